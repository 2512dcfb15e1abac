"""A crash, and a database that is away: problems too, and never a trace. With DEBUG on and off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from products.factories import ProductFactory
from tests.kit import processes
from tests.kit.client import Answer, Client
from tests.kit.database import broken, contents, execute
from tests.kit.scenes import buyer

NO_NAME = (
    "ALTER TABLE products_product RENAME COLUMN name TO label",
    "ALTER TABLE products_product RENAME COLUMN label TO name",
)
NO_EVENTS = (
    "ALTER TABLE orders_orderevent RENAME TO orders_hidden",
    "ALTER TABLE orders_hidden RENAME TO orders_orderevent",
)


@pytest.fixture(scope="module")
def debug_web(django_db_setup: None, logs: Path) -> Iterator[str]:
    """The shop with DEBUG on."""
    with processes.web(log=logs / "debug.log", DEBUG="1") as url:
        yield url


@pytest.fixture(scope="module")
def lonely_web(logs: Path) -> Iterator[Client]:
    """The shop without its database."""
    nobody = f"postgresql://postgres@127.0.0.1:{processes.free_port()}/shop"
    with processes.web(log=logs / "lonely.log", DATABASE_URL=nobody) as url:
        yield Client(url)


@pytest.fixture(params=["off", "on"])
def shop(request: pytest.FixtureRequest, http: Client) -> Client:
    """The shop with DEBUG off and on."""
    return http if request.param == "off" else Client(request.getfixturevalue("debug_web"))


def assert_internal(answer: Answer) -> None:
    assert (answer.status, answer.code) == (500, "internal")
    assert set(answer.json) == {"type", "title", "status", "detail", "code", "request_id"}
    for secret in (b"Traceback", b"psycopg", b"products_product", b"SELECT", b"settings"):
        assert secret not in answer.body


def test_crash_while_reading_is_an_internal_error_without_a_trace(shop: Client) -> None:
    with broken(*NO_NAME):
        assert_internal(shop.get("products"))
    assert shop.get("products").status == 200


def test_crash_while_writing_writes_nothing(shop: Client) -> None:
    user, product = buyer(shop, points=10), ProductFactory(price=10, stock=5)
    with broken(*NO_EVENTS):
        assert_internal(shop.order(user, {product.pk: 1}, key="crash"))
    assert [
        len(contents()[table]) for table in ("orders_order", "orders_orderitem", "points_pointtransaction")
    ] == [
        0,
        0,
        1,
    ]
    assert execute("SELECT stock, balance FROM products_product, points_pointaccount") == [(5, 10)]
    assert shop.order(user, {product.pk: 1}, key="crash").status == 201


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "products/1", 404, "not_found"),
        ("GET", "products/", 404, "not_found"),
        ("DELETE", "products", 405, "method_not_allowed"),
        ("GET", "points", 401, "not_registered"),
        ("POST", "/livez", 405, "method_not_allowed"),
        ("GET", "products?cursor=%00", 400, "invalid"),
    ],
)
def test_refusal_is_the_same_problem_whether_debugging_or_not(
    shop: Client, method: str, path: str, status: int, code: str
) -> None:
    answer = shop.send(method, path)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("path", ["products", "coupons", "rankings/products", "/readyz", "products/1"])
def test_request_without_a_database_is_unavailable(lonely_web: Client, path: str) -> None:
    answer = lonely_web.get(path)
    assert (answer.status, answer.code) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


def test_member_without_a_database_is_unavailable_and_not_unregistered(lonely_web: Client) -> None:
    assert lonely_web.charge(1, 1).code == "unavailable"


def test_probe_of_liveness_succeeds_without_a_database(lonely_web: Client) -> None:
    assert lonely_web.get("/livez").status == 200
    assert lonely_web.get("/").status == 200
