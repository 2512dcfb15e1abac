"""A request's id goes from the web server to the event's row, the worker's lines and the platform."""

import json

import pytest

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.kit.database import execute
from tests.kit.processes import until

ID = "request-of-this-test"
PLACED_BY_AN_OLDER_RELEASE = """
WITH placed AS (
    INSERT INTO orders_order (user_id, subtotal, total, balance_after) VALUES (%s, 0, 0, 0) RETURNING id
) INSERT INTO orders_orderevent (order_id) SELECT id FROM placed RETURNING order_id"""


def place(http, buyer, request_id: str) -> int:
    """An order under an id of the client's choice."""
    items = {"items": [{"product_id": ProductFactory(price=0).pk, "quantity": 1}]}
    return http.post("orders", items, user=buyer, headers={"X-Request-Id": request_id}).json["id"]


def lines_about(order_id: int, logs) -> list[dict[str, object]]:
    """What the worker wrote about an order's event."""
    said = [json.loads(line) for line in (logs / "worker.log").read_text().splitlines() if line[:1] == "{"]
    return [line for line in said if line.get("order_id") == order_id]


def test_request_id_stands_in_every_attempt_s_log_line_and_post(http, buyer, recorded, logs):
    refusals = iter([(500, {})])
    recorded.answers = lambda _body: next(refusals, (204, {}))
    order_id = place(http, buyer, ID)
    lines = until(lambda: found if len(found := lines_about(order_id, logs)) == 2 else None)
    assert [line["event"] for line in lines] == ["event_not_delivered", "event_delivered"]
    assert {(line["request_id"], line["event_id"]) for line in lines} == {
        (ID, str(OrderEvent.objects.get(order_id=order_id).pk))
    }
    attempts = recorded.of_order(order_id)
    assert [headers["X-Request-Id"] for headers, _ in attempts] == [ID, ID]
    assert all(ID not in body.decode() for _, body in attempts)


@pytest.mark.parametrize("bad", ['a"} {"event": "forged', "x" * 65, "한글".encode().decode("latin-1"), "a b"])
def test_invalid_request_id_is_replaced_at_the_edge(http, buyer, recorded, logs, bad):
    order_id = place(http, buyer, bad)
    (line,) = until(lambda: lines_about(order_id, logs))
    ((headers, _),) = recorded.of_order(order_id)
    assert line["request_id"] == headers["X-Request-Id"] != bad
    assert bad not in (logs / "worker.log").read_text()


def test_event_without_a_request_id_is_delivered(http, buyer, recorded):
    ((order_id,),) = execute(PLACED_BY_AN_OLDER_RELEASE, buyer.pk)
    ((headers, _),) = until(lambda: recorded.of_order(order_id))
    assert "X-Request-Id" not in headers
