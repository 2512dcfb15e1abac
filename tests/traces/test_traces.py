"""An order is one trace, from its client through web, outbox and worker to the data platform."""

import json
import subprocess
import sys

import pytest

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.kit import processes
from tests.kit.client import Client
from tests.kit.processes import environment, until
from tests.traces.conftest import PACKAGES
from users.factories import UserFactory

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER, CLIENT = 2, 3
IMPORTED = """
import sys, config.wsgi
from celery.signals import worker_process_init
worker_process_init.send(None)
tracing = ("opentelemetry.instrumentation", "opentelemetry.exporter")
print([name for name in sys.modules if name.startswith(tracing)])
"""


def order(http: Client, *, trace: str, sampled: str = "01") -> int:
    """The id of an order by a client that is traced."""
    items = {"items": [{"product_id": ProductFactory(price=0).pk, "quantity": 1}]}
    given = {"traceparent": f"00-{trace}-{CALLER}-{sampled}"}
    answer = http.post("orders", items, user=UserFactory(), headers=given)
    assert answer.status == 201, answer.body
    return answer.json["id"]


@pytest.mark.usefixtures("worker")
def test_order_is_one_trace_from_its_client_to_the_platform(http, received, platform):
    order_id = order(http, trace=TRACE)
    ((headers, body),) = until(lambda: platform.of_order(order_id))
    (post,) = until(lambda: received.named("POST order event", TRACE))
    (request,) = until(lambda: [each for each in received.of(TRACE) if each.kind == SERVER])
    assert (request.service, request.name, request.parent) == ("pointshop-web", "POST /api/v1/orders", CALLER)
    assert request.attributes["http.route"] == "/api/v1/orders"
    assert json.loads(body)["traceparent"] == request.traceparent
    assert (post.service, post.parent, post.kind) == ("pointshop-worker", request.id, CLIENT)
    assert headers["traceparent"] == post.traceparent
    messages = [each for each in received.of(TRACE) if each.parent == request.id and each != post]
    assert [each.name for each in messages] == ["SELECT", "BEGIN SELECT", "INSERT UPDATE COMMIT"]


@pytest.mark.usefixtures("worker")
def test_each_attempt_is_a_span_of_its_own_and_sends_the_same_bytes(http, received, platform):
    refusals = iter([(500, {})])
    platform.answers = lambda _body: next(refusals, (204, {}))
    order_id = order(http, trace="1" * 32)
    (first, body), (second, again) = until(lambda: a if len(a := platform.of_order(order_id)) == 2 else None)
    assert body == again
    spans = until(lambda: two if len(two := received.named("POST order event", "1" * 32)) == 2 else None)
    assert [each.traceparent for each in spans] == [first["traceparent"], second["traceparent"]]
    assert "HTTP 500" in spans[0].whole


@pytest.mark.usefixtures("worker")
def test_tasks_cursors_and_redis_are_traced(http, received):
    http.get("rankings/products")
    for library in ("celery", "psycopg", "redis", "wsgi"):
        until(lambda name=library: [each for each in received.spans if each.library.endswith(name)])
    task, *_ = until(lambda: received.named("run/orders.deliver_order_events"))
    claim, *_ = until(lambda: [each for each in received.spans if each.parent == task.id])
    assert claim.attributes["db.statement"].lstrip().startswith("WITH due")


def test_client_that_is_not_traced_begins_a_trace_and_one_that_is_not_sampled_sends_no_span(http, received):
    order(http, trace="2" * 32, sampled="00")
    assert OrderEvent.objects.get().traceparent.endswith("-00")
    http.get("products?page_size=7")
    until(lambda: [each for each in received.spans if "page_size=7" in each.whole])
    assert not received.of("2" * 32)


def test_every_request_has_its_span_and_none_shows_a_value_or_a_secret(http, received):
    user = UserFactory()
    for number in range(20):
        headers = {"traceparent": f"00-{'3' * 32}-{CALLER}-01", "Idempotency-Key": f"hidden-{number}"}
        http.post("points/charges", {"amount": 10_000_019}, user=user, headers=headers)
    spans = until(lambda: s if len(s := received.of("3" * 32)) >= 60 else None)
    assert len([each for each in spans if each.kind == SERVER]) == 20
    assert not [each.whole for each in spans if "hidden-" in each.whole or "10000019" in each.whole]


def test_requests_are_answered_as_ever(http, received):
    """A probe under any name, a page that is not there, and what does not name us."""
    answers = [
        http.get(path, headers={"Host": host, "traceparent": given}).status
        for path, host, given in (
            ("/livez", "10.0.0.7", "not one"),
            ("/nowhere", "localhost", ""),
            ("/api/v1/products", "elsewhere.example", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"),
        )
    ]
    assert answers == [200, 404, 400]


def test_receiver_that_is_away_is_nothing_to_a_request(transactional_db, traced, tmp_path):
    away = {**traced, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{processes.free_port()}"}
    with processes.web(log=tmp_path / "web.log", **away) as url:
        order(Client(url), trace="4" * 32)


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:9"])
def test_tracing_packages_are_imported_only_with_traces_on(endpoint, db):
    """The packages are there both times; redis-py by itself imports what it would count by."""
    env = environment(PYTHONPATH=PACKAGES, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    command = [sys.executable, "-c", IMPORTED]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert (done.stdout.splitlines()[-1] == "[]") is (endpoint == "")
