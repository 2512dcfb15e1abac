"""A purchase by openapi-python-client's client; an answer is one of the models that the document names."""

import json
import sys
from urllib.parse import parse_qs, urlsplit

from pointshop_client import Client
from pointshop_client.api.coupons import issue_coupon
from pointshop_client.api.orders import place_order, quote_order
from pointshop_client.api.points import charge_points, list_transactions
from pointshop_client.api.rankings import get_best_sellers
from pointshop_client.models import (
    BasketLineRequest,
    BasketRequest,
    BestSellers,
    ChargeRequest,
    InvalidProblem,
    IssuedCoupon,
    LedgerEntry,
    LedgerEntryPage,
    OrderQuote,
    OutOfStockProblem,
    PlacedOrder,
)

url, user, coupon, product, scarce = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
client = Client(base_url=url, headers={"X-User-Id": user})


def basket(product_id: int, quantity: int, issued_coupon_id: int | None = None) -> BasketRequest:
    line = BasketLineRequest(product_id=product_id, quantity=quantity)
    return BasketRequest(items=[line], issued_coupon_id=issued_coupon_id)


charged = charge_points.sync(client=client, body=ChargeRequest(amount=3_000_000_000))
assert isinstance(charged, LedgerEntry), charged
issued = issue_coupon.sync(coupon, client=client)
assert isinstance(issued, IssuedCoupon), issued
wanted = basket(product, 2, issued.id)
quote = quote_order.sync(client=client, body=wanted)
assert isinstance(quote, OrderQuote), quote
placed = place_order.sync(client=client, body=wanted, idempotency_key="openapi-python-client-1")
assert isinstance(placed, PlacedOrder), placed
again = place_order.sync_detailed(client=client, body=wanted, idempotency_key="openapi-python-client-1")
assert isinstance(again.parsed, PlacedOrder), again

short = place_order.sync(client=client, body=basket(scarce, 9))
assert isinstance(short, OutOfStockProblem), short
wrong = place_order.sync(client=client, body=basket(product, 0))
assert isinstance(wrong, InvalidProblem), wrong

pages, query = [], {}
while True:
    page = list_transactions.sync(client=client, page_size=1, **query)
    assert isinstance(page, LedgerEntryPage), page
    pages += [entry.amount for entry in page.results]
    if page.next_ is None:
        break
    query = {"cursor": parse_qs(urlsplit(page.next_).query)["cursor"][0]}
best = get_best_sellers.sync(client=client)
assert isinstance(best, BestSellers), best

print(
    json.dumps(
        {
            "charged": charged.balance_after,
            "sequence": issued.sequence,
            "quoted": quote.total,
            "paid": placed.total,
            "ordered_at": placed.ordered_at.isoformat(timespec="microseconds"),
            "replayed": again.parsed.id == placed.id and again.headers["Idempotent-Replayed"] == "true",
            "available": short.shortages[0].available,
            "invalid": wrong.errors[0].pointer,
            "pages": pages,
            "best": best.results[0].units_sold,
        }
    )
)
