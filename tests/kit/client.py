"""A client of the shop's API, over real HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The problem's code; fails where the answer is no proper problem."""
        assert self.headers["Content-Type"] == "application/problem+json", (self.status, self.body[:500])
        problem = self.json
        assert problem["status"] == self.status
        assert problem["type"] == f"/problems/{problem['code']}"
        assert problem["request_id"] == self.headers["X-Request-Id"]
        assert problem["title"]
        assert problem["detail"]
        return str(problem["code"])


def assert_unavailable(answer: Answer) -> None:
    """Fails unless it is the 503 of a shop whose database takes no writes."""
    assert (answer.status, answer.code) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


class Client:
    """Calls one running shop; `user` is the id that the gateway would put into X-User-Id."""

    def __init__(
        self, url: str, *, connections: int = 64, timeout: float = 60, ca: Path | None = None
    ) -> None:
        self.url = url
        trusted = {"ca_certs": str(ca)} if ca else {}
        self.http = urllib3.PoolManager(maxsize=connections, retries=False, timeout=timeout, **trusted)

    def send(
        self,
        method: str,
        path: str,
        *,
        user: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """Send bytes as they are; a path without a leading slash is one of the API's."""
        given = {**headers} if user is None else {"X-User-Id": str(getattr(user, "pk", user)), **headers}
        path = path if path.startswith("/") else f"/api/v1/{path}"
        url = path if path.startswith("http") else self.url + path
        response = self.http.request(method, url, body=body, headers=given, redirect=False)
        return Answer(response.status, response.headers, response.data)

    def get(self, path: str, *, user: Any = None, headers: Mapping[str, str] = {}) -> Answer:
        """Read."""
        return self.send("GET", path, user=user, headers=headers)

    def post(
        self,
        path: str,
        data: Any = None,
        *,
        user: Any = None,
        key: str | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """Send JSON, or nothing at all where there is no data."""
        keyed = {} if key is None else {"Idempotency-Key": key}
        if data is None:
            return self.send("POST", path, user=user, headers={**keyed, **headers})
        body = json.dumps(data).encode()
        return self.send("POST", path, user=user, body=body, headers={**JSON, **keyed, **headers})

    def charge(self, user: Any, amount: int, *, key: str | None = None) -> Answer:
        """Charge points."""
        return self.post("points/charges", {"amount": amount}, user=user, key=key)

    def order(
        self, user: Any, quantities: Mapping[int, int], *, key: str | None = None, **more: Any
    ) -> Answer:
        """Order units by product id."""
        items = [{"product_id": pk, "quantity": quantity} for pk, quantity in quantities.items()]
        return self.post("orders", {"items": items, **more}, user=user, key=key)
