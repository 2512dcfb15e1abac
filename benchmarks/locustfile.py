"""People who look, charge, take coupons and buy.

`locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000`, with requirements-tools.txt installed.
From the environment: LOAD_MEMBERS, the first and last id of the members to be ("1-100"); GATEWAY_SECRET where
the shop has one, and LOAD_HOST where it answers another host than that of the URL. A refusal (409) is an
answer like any other here; what fails is an error of the shop.
"""

import os
import random
import uuid

from locust import HttpUser, between, task
from requests import Response

FIRST, LAST = (int(part) for part in os.environ.get("LOAD_MEMBERS", "1-100").split("-"))
SECRET = os.environ.get("GATEWAY_SECRET", "")
HOST = os.environ.get("LOAD_HOST", "").partition(",")[0]
ANSWERS = (200, 201, 409)


class Member(HttpUser):
    """One member at a time, who thinks a little between two steps."""

    wait_time = between(0.1, 1)

    def on_start(self) -> None:
        """Pick a member, charge points, and read the products and campaigns."""
        member = random.randint(FIRST, LAST)
        gateway = {"X-Gateway-Secret": SECRET, "Host": HOST}
        said = {name: value for name, value in gateway.items() if value}
        self.client.headers.update({"X-User-Id": str(member), **said})
        self.charge()
        self.products = [each["id"] for each in self._ask("GET", "products").json()["results"]]
        self.coupons = [each["id"] for each in self._ask("GET", "coupons").json()["results"]]

    @task(8)
    def browse(self) -> None:
        """Read the products and the best sellers."""
        self._ask("GET", "products")
        self._ask("GET", "rankings/products")

    @task(4)
    def buy(self) -> None:
        """Ask what it costs, then order it."""
        if self.products:
            chosen = random.sample(self.products, k=min(len(self.products), random.randint(1, 3)))
            basket = {"items": [{"product_id": pk, "quantity": 1} for pk in chosen]}
            self._ask("POST", "orders/quote", json=basket)
            self._ask("POST", "orders", json=basket, headers={"Idempotency-Key": uuid.uuid4().hex})

    @task(2)
    def charge(self) -> None:
        """Charge points."""
        self._ask("POST", "points/charges", json={"amount": random.randint(1, 10) * 10_000})

    @task(1)
    def take_a_coupon(self) -> None:
        """Be among the first, or too late."""
        if self.coupons:
            pk = random.choice(self.coupons)
            self._ask("POST", f"coupons/{pk}/issue", name="/api/v1/coupons/{id}/issue")

    @task(3)
    def look_back(self) -> None:
        """Read one's own balance, orders and coupons."""
        for path in ("points", "orders", "issued-coupons"):
            self._ask("GET", path)

    def _ask(self, method: str, path: str, **request: object) -> Response:
        """Send it; a refusal is an answer, anything else a failure."""
        with self.client.request(method, f"/api/v1/{path}", catch_response=True, **request) as answer:
            if answer.status_code in ANSWERS:
                answer.success()
            return answer
