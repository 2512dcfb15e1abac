"""A shop with every optional setting on: no route of it fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from config.endpoints import ENDPOINTS
from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit import platforms, processes
from tests.kit.client import Client
from tests.kit.operator import Operator
from tests.kit.routes import routes
from tests.kit.variables import EVERY_NAME, REQUIRED
from users.factories import UserFactory

SECRET = "$ecret #of 'this' test"
GATEWAY = {"X-Gateway-Secret": SECRET}
DOCUMENT_FORMATS = ["application/vnd.oai.openapi", "application/vnd.oai.openapi+json", "application/json"]


def every_setting(folder: Path) -> dict[str, str]:
    return {
        "BEAT_FILE": str(folder / "beat"),
        "CACHE_URL": settings.REDIS_URL,
        "CELERY_BROKER_URL": settings.REDIS_URL,
        "CORS_ALLOWED_ORIGINS": "https://pages.example",
        "COUPON_VALID_DAYS": "7",
        "DATABASE_REPLICA_MAX_LAG_SECONDS": "5",
        "DATABASE_REPLICA_URL": processes.environment()["DATABASE_URL"],
        "DATA_PLATFORM_SECRET": platforms.SECRET,
        "DATA_PLATFORM_URL": f"http://127.0.0.1:{processes.free_port()}/events",
        "DEBUG": "0",
        "EMBEDDED_SERVICES": "0",
        "EVENT_SOURCE": "https://shop.example/orders",
        "FORWARDED_ALLOW_IPS": "127.0.0.0/8, ::1",
        "GATEWAY_SECRET": SECRET,
        "HOST": "127.0.0.1",
        "METRICS_PORT": str(processes.free_port()),
        "OTEL_EXPORTER_OTLP_ENDPOINT": "",  # of tests/traces, as are the packages
        "PORT": "",  # of tests.kit.processes
        "PREPARED_STATEMENTS": "0",
        "RANKING_CACHE_SECONDS": "60",
        "RANKING_DAYS": "2",
        "RANKING_SIZE": "3",
        "RATE_LIMITS": ",".join(f"{scope}=1000/h" for scope in sorted({*ENDPOINTS, "*"})),
        "SEED_DEMO": "0",
        "WEB_CONCURRENCY": "1",
        "WORKER_FILE": str(folder / "worker"),
    }


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("every-setting") / "web.log"


@pytest.fixture(scope="module")
def full(django_db_setup, django_db_blocker, log: Path) -> Iterator[str]:
    """The URL of that shop."""
    given = {name: value for name, value in every_setting(log.parent).items() if name != "PORT"}
    counters = log.with_name("metrics")
    counters.mkdir()
    with (
        django_db_blocker.unblock(),
        processes.web(log=log, PROMETHEUS_MULTIPROC_DIR=str(counters), **given) as url,
    ):
        yield url


@pytest.fixture
def shop(full: str, transactional_db) -> Client:
    """A client of it; there is a row of everything."""
    client, user, product = Client(full), UserFactory(), ProductFactory(price=1)
    coupon = CouponFactory()
    charged = client.post("points/charges", {"amount": 10}, user=user, headers=GATEWAY)
    issued = client.post(f"coupons/{coupon.pk}/issue", user=user, headers=GATEWAY)
    items = [{"product_id": product.pk, "quantity": 1}]
    ordered = client.post("orders", {"items": items}, user=user, headers=GATEWAY)
    assert [each.status for each in (charged, issued, ordered)] == [201, 201, 201]
    return client


def test_optional_settings_are_all_on(tmp_path):
    assert every_setting(tmp_path).keys() == EVERY_NAME - REQUIRED


def test_routes_of_the_service_all_answer(shop: Client, log: Path):
    for path in routes(admin=False):
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            answer = shop.send(method, path, user=1, headers={**GATEWAY, "Origin": "https://pages.example"})
            assert answer.status < 500, (method, path, answer.body)
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    "path", ["/", "/livez", "/readyz", "/metrics", "/api/docs", "/static/api/favicon.svg"]
)
def test_pages_of_the_service_answer(shop: Client, path):
    assert shop.get(path).status == 200


@pytest.mark.parametrize("kind", DOCUMENT_FORMATS)
def test_document_is_served_in_each_format(shop: Client, kind):
    answer = shop.get("/api/schema", headers={"Accept": kind})
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (200, kind)


def test_pages_of_the_admin_all_answer(shop: Client, log: Path):
    operator = Operator(shop).with_session()
    statuses = {path: operator._ask("GET", path).status for path in routes(admin=True)}
    assert {path: status for path, status in statuses.items() if status >= 500} == {}
    assert statuses["/admin/"] == 200
    assert sum(status == 200 for status in statuses.values()) > 30
    assert "Traceback" not in log.read_text()


def test_rates_and_gateway_secret_are_applied(shop: Client):
    assert shop.get("points", user=1).code == "untrusted_gateway"
    assert shop.get("points", user=1, headers={"X-Gateway-Secret": ""}).code == "untrusted_gateway"
