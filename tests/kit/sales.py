"""Sales at any age, and the ranking recounted from the order lines."""

from collections.abc import Mapping
from typing import Any

from tests.kit.client import Client
from tests.kit.database import execute
from users.models import User

RECOUNT = """
    SELECT i.product_id, sum(i.quantity)::bigint, sum(i.quantity * i.unit_price)::bigint
    FROM orders_orderitem i JOIN orders_order o ON o.id = i.order_id
    WHERE o.status = 'paid' AND o.ordered_at > %s AND o.ordered_at <= %s
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5"""


def sell(http: Client, user: User, quantities: Mapping[int, int], *, age: str = "0 hours") -> int:
    """An order, made so old by SQL; its id."""
    answer = http.order(user, quantities)
    assert answer.status == 201
    order_id = int(answer.json["id"])
    if age != "0 hours":
        execute("UPDATE orders_order SET ordered_at = now() - %s::interval WHERE id = %s", age, order_id)
    return order_id


def ranked(http: Client) -> list[tuple[int, int, int]]:
    """The best sellers: product, units and amount; fails where a recount of the same window differs."""
    answer = http.get("rankings/products")
    assert answer.status == 200
    results: list[dict[str, Any]] = answer.json["results"]
    told = [(row["product_id"], row["units_sold"], row["sales_amount"]) for row in results]
    assert told == execute(RECOUNT, answer.json["from"], answer.json["to"])
    assert [row["rank"] for row in results] == list(range(1, len(results) + 1))
    return told
