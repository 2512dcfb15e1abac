"""A purchase by openapi-generator's Python client; problems come as typed classes."""

import json
import sys
from urllib.parse import parse_qs, urlsplit

from pointshop_client import (
    ApiClient,
    BasketLineRequest,
    BasketRequest,
    ChargeRequest,
    Configuration,
    CouponsApi,
    InvalidProblem,
    OrdersApi,
    OutOfStockProblem,
    PointsApi,
    RankingsApi,
)
from pointshop_client.exceptions import BadRequestException, ConflictException

url, user, coupon, product, scarce = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
client = ApiClient(Configuration(host=url, api_key={"gateway": user}))
points, coupons, orders = PointsApi(client), CouponsApi(client), OrdersApi(client)


def basket(product_id: int, quantity: int, issued_coupon_id: int | None = None) -> BasketRequest:
    line = BasketLineRequest.model_construct(product_id=product_id, quantity=quantity)
    return BasketRequest.model_construct(items=[line], issued_coupon_id=issued_coupon_id)


charged = points.charge_points(ChargeRequest(amount=3_000_000_000))
issued = coupons.issue_coupon(coupon)
wanted = basket(product, 2, issued.id)
quote = orders.quote_order(wanted)
placed = orders.place_order(wanted, idempotency_key="openapi-generator-python-1")
again = orders.place_order_with_http_info(wanted, idempotency_key="openapi-generator-python-1")

try:
    orders.place_order(basket(scarce, 9))
except ConflictException as refused:
    problem = refused.data.actual_instance
    assert isinstance(problem, OutOfStockProblem), problem
    available = problem.shortages[0].available
try:
    orders.place_order(basket(product, 0))
except BadRequestException as refused:
    problem = refused.data.actual_instance
    assert isinstance(problem, InvalidProblem), problem
    invalid = problem.errors[0].pointer

pages, cursor = [], None
while True:
    page = points.list_transactions(page_size=1, cursor=cursor)
    pages += [entry.amount for entry in page.results]
    if page.next is None:
        break
    cursor = parse_qs(urlsplit(page.next).query)["cursor"][0]
best = RankingsApi(client).get_best_sellers()

print(
    json.dumps(
        {
            "charged": charged.balance_after,
            "sequence": issued.sequence,
            "quoted": quote.total,
            "paid": placed.total,
            "ordered_at": placed.ordered_at.isoformat(timespec="microseconds"),
            "replayed": again.data.id == placed.id and again.headers["Idempotent-Replayed"] == "true",
            "available": available,
            "invalid": invalid,
            "pages": pages,
            "best": best.results[0].units_sold,
        }
    )
)
