"""Members, products and a client, for a shop whose tables are filled by plain SQL."""

import subprocess
import threading
from collections.abc import Mapping
from typing import Any

from tests.kit.client import Answer, Client
from tests.kit.machine_servers import Servers
from tests.kit.platforms import Recorder, accept

SEED = """
INSERT INTO users_user (name) SELECT '회원 ' || n FROM generate_series(1, 100) n;
INSERT INTO products_product (name, price, stock)
SELECT '상품 ' || n, 1000, 100000 FROM generate_series(1, 5) n;
INSERT INTO coupons_coupon (name, discount_type, discount_value, quantity)
VALUES ('오픈 기념', 'percent', 10, 1000), ('전 메뉴 할인', 'percent', 10, 1000);
"""


def seed(servers: Servers) -> None:
    """What an operator would type."""
    sql(servers, SEED)


def sql(servers: Servers, statements: str, *, server: str = "postgres") -> str:
    """Run SQL in psql; what it prints."""
    psql = [servers.program("psql"), "-XqAt", "--set=ON_ERROR_STOP=1", "--username=pointshop", "pointshop"]
    env = servers.environment(server)
    return subprocess.run(
        psql, env=env, input=statements, text=True, check=True, capture_output=True
    ).stdout.strip()


class GatewayClient(Client):
    """A client that says what the gateway would."""

    def __init__(self, url: str, secret: str) -> None:
        super().__init__(url)
        self.said = {"Host": "shop.example", "X-Gateway-Secret": secret}

    def send(
        self,
        method: str,
        path: str,
        *,
        user: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """Send it with the gateway's headers."""
        return super().send(method, path, user=user, body=body, headers={**self.said, **headers})


def order_being_sent(http: GatewayClient, platform: Recorder) -> int:
    """An order whose event the platform has got, and answers in half a second."""
    arrived, told = threading.Event(), threading.Event()

    def wait(body: bytes) -> Any:
        arrived.set()
        told.wait(10)
        return accept(body)

    http.charge(2, 10_000)
    platform.answers = wait
    order_id: int = http.order(2, {1: 1}).json["id"]
    assert arrived.wait(10)
    threading.Timer(0.5, told.set).start()
    return order_id


def delivery_of(servers: Servers, order_id: int) -> str:
    """What became of its event: `state|attempts`."""
    return sql(servers, f"SELECT state, attempts FROM orders_orderevent WHERE order_id = {order_id}")
