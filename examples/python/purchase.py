"""Charge points, order a product and read a refusal by its code, with a generated client.

python purchase.py http://127.0.0.1:8000 1
"""

import sys
from uuid import uuid4

from pointshop_client import Client
from pointshop_client.api.orders import place_order
from pointshop_client.api.points import charge_points
from pointshop_client.api.products import list_products
from pointshop_client.models import (
    BasketLineRequest,
    BasketRequest,
    ChargeRequest,
    LedgerEntry,
    OutOfStockProblem,
    PlacedOrder,
    ProductPage,
)

url, user = sys.argv[1:3]
shop = Client(base_url=url, headers={"X-User-Id": user, "Accept-Language": "en"})

page = list_products.sync(client=shop)
if not isinstance(page, ProductPage):
    raise SystemExit(page)
product = page.results[0]
print(f"{product.name}: {product.price} won, {product.stock} left")

# The same key makes a retry safe: send it again after a time-out or a 503, and it is done once.
charged = charge_points.sync(
    client=shop, body=ChargeRequest(amount=2 * product.price), idempotency_key=f"charge-{uuid4()}"
)
if not isinstance(charged, LedgerEntry):
    raise SystemExit(charged)


def order(quantity: int) -> None:
    basket = BasketRequest(items=[BasketLineRequest(product_id=product.id, quantity=quantity)])
    answer = place_order.sync(client=shop, body=basket, idempotency_key=f"order-{uuid4()}")
    if isinstance(answer, PlacedOrder):
        print(f"order {answer.id}: paid {answer.total} won, {answer.balance_after} left")
    elif isinstance(answer, OutOfStockProblem):
        print(f"refused: only {answer.shortages[0].available} left")
    else:
        raise SystemExit(answer)


order(1)
order(1_000_000)
