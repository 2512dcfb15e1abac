"""Random histories of the shop; the model predicts each step."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from coupons.factories import CouponFactory
from orders.outbox.delivery import deliver_due_events
from orders.outbox.platform import Platform
from products.factories import ProductFactory
from rankings.services import recompute
from tests.kit.database import TABLES, execute
from tests.kit.invariants import broken_rules
from tests.model.deliveries import Deliveries
from tests.model.exchange import Basket, Refused, body, refused, replayed
from tests.model.shop import MAX_BIGINT, Campaign, Order, Product, Shop
from users.factories import UserFactory

EVERYTHING = ", ".join((*TABLES, "rankings_productsales", "rankings_saleswindow"))
NOBODY_S = 10**6  # an id that nothing has
UNKNOWN = 19  # drawn, it stands for that id
LONG_AGO = "2001-01-01T00:00:00.000000+09:00"
NEW = {"id", "created_at", "ordered_at", "issued_at", "expires_at"}  # what the model cannot foretell
POINTS = 50_000

some = st.integers(min_value=0, max_value=19)  # taken modulo the number of candidates
prices = st.one_of(st.integers(1, 999), st.integers(1, 999), st.sampled_from([0, 4_999, 4_999, 2**62]))
quantities = st.one_of(st.integers(1, 4), st.integers(1, 4), st.sampled_from([1, 30, 1_000_000]))
fixed = st.fixed_dictionaries(
    {"discount_type": st.just("fixed"), "discount_value": st.integers(1, 2_000), "max_discount": st.none()}
)
percent = st.fixed_dictionaries(
    {
        "discount_type": st.just("percent"),
        "discount_value": st.integers(1, 100),
        "max_discount": st.one_of(st.none(), st.none(), st.integers(1, 900)),
    }
)
plain = st.dictionaries(st.integers(0, 18), st.integers(1, 4), min_size=1, max_size=3)
keys = st.sampled_from([None, None, None, "a", "b"])
baskets = st.fixed_dictionaries(
    {
        "lines": st.dictionaries(some, quantities, min_size=1, max_size=3),
        "coupon": st.sampled_from(["none", "none", "their own", "their own", "any", "unknown"]),
        "expected": st.sampled_from(["none", "none", "right", "wrong"]),
    }
)


class ShopMachine(RuleBasedStateMachine):
    """The shop over HTTP beside its model; operators work by SQL."""

    model: type[Shop] = Shop
    deliveries: Deliveries

    def __init__(self) -> None:
        super().__init__()
        execute(f"TRUNCATE {EVERYTHING} RESTART IDENTITY CASCADE")
        self.deliveries.forget_all()
        self.http = Client(raise_request_exception=False)
        self.shop = self.model()
        self.first: dict[tuple[int, str, str], tuple[Any, Any]] = {}  # body and answer of each key

    @initialize(
        priced=st.lists(st.tuples(prices, st.integers(0, 80)), min_size=2, max_size=8),
        campaigns=st.lists(
            st.tuples(st.one_of(percent, fixed, percent), st.integers(0, 4)), min_size=1, max_size=3
        ),
    )
    def open(self, priced: list[tuple[int, int]], campaigns: list[tuple[dict[str, Any], int]]) -> None:
        self.users = [UserFactory().pk for _ in range(3)]
        for price, stock in priced:
            made = ProductFactory(price=price, stock=stock)
            self.shop.products[made.pk] = Product(made.name, price, stock)
        for terms, quantity in campaigns:
            coupon = CouponFactory(**terms, quantity=quantity)
            self.shop.campaigns[coupon.pk] = Campaign({"name": coupon.name, **terms}, quantity)
            for who in (0, 1):
                self.issue(who, coupon.pk - 1)
        for who in (0, 1):
            self.charge(who, POINTS, None)

    @rule(who=some, amount=st.one_of(st.integers(1, POINTS), st.just(MAX_BIGINT)), key=keys)
    def charge(self, who: int, amount: int, key: str | None) -> None:
        user = self.user(who)
        self.send(user, "points/charges", {"amount": amount}, lambda: self.shop.charge(user, amount), key)

    @rule(who=some, which=some)
    def issue(self, who: int, which: int) -> None:
        user = self.user(who)
        coupon = NOBODY_S if which == UNKNOWN else self.pick(which, list(self.shop.campaigns))
        answer = self.send(user, f"coupons/{coupon}/issue", None, lambda: self.shop.issue(user, coupon))
        if answer:
            self.shop.hold(user, coupon, answer["id"])
            issued, expires = (datetime.fromisoformat(answer[name]) for name in ("issued_at", "expires_at"))
            assert expires - issued == timedelta(hours=30 * 24)

    @rule(who=some, basket=baskets, key=keys)
    def order(self, who: int, basket: Mapping[str, Any], key: str | None) -> None:
        wanted = self.basket(self.user(who), **basket)
        answer = self.send(wanted.user, "orders", body(wanted), lambda: self.shop.order(wanted), key)
        if answer:
            self.remember(wanted.user, answer)

    @rule(who=some, lines=plain)
    def buy(self, who: int, lines: dict[int, int]) -> None:
        """An order with nothing special about it, as most are."""
        self.order(who, {"lines": lines, "coupon": "none", "expected": "none"}, None)

    @rule(who=some, lines=plain)
    def buy_with_a_coupon(self, who: int, lines: dict[int, int]) -> None:
        """The discount is what the member came for."""
        self.order(who, {"lines": lines, "coupon": "their own", "expected": "none"}, None)

    @rule(who=some, basket=baskets)
    def quote(self, who: int, basket: Mapping[str, Any]) -> None:
        wanted = self.basket(self.user(who), **basket)
        self.send(wanted.user, "orders/quote", body(wanted), lambda: self.shop.quote(wanted))

    @precondition(lambda self: self.first)
    @rule(which=some)
    def repeat(self, which: int) -> None:
        """A keyed request comes again."""
        user, path, key = self.pick(which, list(self.first))
        self.send(user, path, self.first[user, path, key][0], dict, key)

    @rule(which=some, price=prices)
    def change_price(self, which: int, price: int) -> None:
        pk = self.pick(which, list(self.shop.products))
        execute("UPDATE products_product SET price = %s WHERE id = %s", price, pk)
        self.shop.products[pk].price = price

    @rule(which=some, units=st.integers(1, 20))
    def restock(self, which: int, units: int) -> None:
        pk = self.pick(which, list(self.shop.products))
        execute("UPDATE products_product SET stock = stock + %s WHERE id = %s", units, pk)
        self.shop.products[pk].stock += units

    @rule(which=some, more=st.integers(1, 2), value=st.integers(1, 100))
    def raise_quantity_and_change_terms(self, which: int, more: int, value: int) -> None:
        pk = self.pick(which, list(self.shop.campaigns))
        campaign = self.shop.campaigns[pk]
        execute(
            "UPDATE coupons_coupon SET quantity = quantity + %s, discount_value = %s WHERE id = %s",
            more,
            value,
            pk,
        )
        campaign.quantity += more
        campaign.terms["discount_value"] = value

    @rule(which=some)
    def close_or_reopen(self, which: int) -> None:
        pk = self.pick(which, list(self.shop.campaigns))
        campaign = self.shop.campaigns[pk]
        campaign.closes_at = None if campaign.closes_at else LONG_AGO
        execute("UPDATE coupons_coupon SET closes_at = %s WHERE id = %s", campaign.closes_at, pk)

    @precondition(lambda self: self.shop.held)
    @rule(which=some)
    def let_a_coupon_expire(self, which: int) -> None:
        pk = self.pick(which, list(self.shop.held))
        execute(
            "UPDATE coupons_issuedcoupon SET issued_at = issued_at - interval '30 days',"
            " expires_at = expires_at - interval '30 days' WHERE id = %s",
            pk,
        )
        self.shop.held[pk].expired = True

    @precondition(lambda self: self.shop.orders)
    @rule(which=some, hours=st.sampled_from([5, 71, 72]))
    def let_an_order_age(self, which: int, hours: int) -> None:
        pk = self.pick(which, list(self.shop.orders))
        execute(
            "UPDATE orders_order SET ordered_at = now() - make_interval(hours => %s) WHERE id = %s", hours, pk
        )
        self.shop.orders[pk].in_window = hours < 72
        self.deliveries.forget(pk)  # the event tells the moment

    @rule()
    def rebuild_the_ranking(self) -> None:
        recompute(days=3)

    @rule(failing=st.sets(some, max_size=3), status=st.sampled_from([500, 429, 301, 410]))
    def deliver(self, failing: set[int], status: int) -> None:
        owed = [pk for pk, order in self.shop.orders.items() if not order.delivered]
        refused = {self.pick(each, owed) for each in failing} if owed else set()
        execute("UPDATE orders_orderevent SET next_attempt_at = now() WHERE state = 'pending'")
        self.deliveries.refuse(refused, status)
        platform = Platform(url=self.deliveries.url, secret="", user_agent="x")
        assert deliver_due_events(platform=platform) == len(owed) - len(refused)
        for pk in set(owed) - refused:
            self.shop.orders[pk].delivered = True
        self.deliveries.check({pk: self.shop.orders[pk] for pk in owed})

    @invariant()
    def the_rows_are_as_foretold(self) -> None:
        products, coupons, held, orders = (
            sorted(of.items())
            for of in (self.shop.products, self.shop.campaigns, self.shop.held, self.shop.orders)
        )
        assert rows("user_id, balance", "points_pointaccount") == sorted(self.shop.balances.items())
        assert rows("id, price, stock", "products_product") == [(pk, p.price, p.stock) for pk, p in products]
        assert rows("id, quantity, issued", "coupons_coupon") == [
            (pk, each.quantity, len(each.holders)) for pk, each in coupons
        ]
        assert rows("id, user_id, used_at IS NOT NULL, expires_at <= now()", "coupons_issuedcoupon") == [
            (pk, each.user, each.used, each.expired) for pk, each in held
        ]
        assert rows("order_id, state", "orders_orderevent") == [
            (pk, "delivered" if each.delivered else "pending") for pk, each in orders
        ]

    @invariant()
    def the_ranking_is_as_foretold(self) -> None:
        rows = self.http.get("/api/v1/rankings/products").json()["results"]
        told = [(row["product_id"], row["units_sold"], row["sales_amount"]) for row in rows]
        assert told == self.shop.ranking()
        for row in rows:
            product = self.shop.products[row["product_id"]]
            assert (row["name"], row["price"], row["stock"]) == (product.name, product.price, product.stock)

    @invariant()
    def a_quote_is_as_foretold(self) -> None:
        """Whatever happened, one product with the first member's coupon costs what the model says."""
        self.quote(0, {"lines": {0: 1}, "coupon": "their own", "expected": "none"})

    def teardown(self) -> None:
        assert broken_rules() == []

    def user(self, which: int) -> int:
        return self.users[which % len(self.users)]

    def pick(self, which: int, ids: list[Any]) -> Any:
        return ids[which % len(ids)]

    def basket(self, user: int, lines: Mapping[int, int], coupon: str, expected: str) -> Basket:
        """The basket as drawn, of what there is by now."""
        products = list(self.shop.products)
        wanted = {
            NOBODY_S if which == UNKNOWN else self.pick(which, products): quantity
            for which, quantity in lines.items()
        }
        theirs = [pk for pk, held in self.shop.held.items() if held.user == user]
        theirs.sort(key=lambda pk: not (self.shop.held[pk].used or self.shop.held[pk].expired))
        choices = {
            "none": [],
            "their own": theirs[-1:],
            "any": list(self.shop.held)[:1],
            "unknown": [NOBODY_S],
        }
        basket = Basket(user, wanted, next(iter(choices[coupon]), None))
        try:
            total = {"none": None, "right": self.shop.quote(basket)["total"], "wrong": -1}[expected]
        except Refused:
            total = None if expected == "none" else 1
        return replace(basket, expected_total=total)

    def send(
        self, user: int, path: str, data: Any, foretold: Callable[[], dict[str, Any]], key: str | None = None
    ) -> Any:
        """The answer to a first request, equal to what was foretold; None for a refusal or a replay."""
        answer = self.http.post(
            f"/api/v1/{path}",
            None if data is None else json.dumps(data),
            content_type="application/json",
            headers={"X-User-Id": str(user), **({"Idempotency-Key": key} if key else {})},
        )
        told = answer.json()
        before = self.first.get((user, path, key)) if key else None
        try:
            expected = None if before else foretold()
        except Refused as refusal:
            return refused(answer, told, refusal)
        if before:
            return replayed(answer, told, data, before)
        assert answer.status_code == (200 if path == "orders/quote" else 201)
        assert "Idempotent-Replayed" not in answer.headers
        assert {name: told[name] for name in told.keys() - NEW} == expected
        if key:
            self.first[user, path, key] = data, told
        return told

    def remember(self, user: int, answer: dict[str, Any]) -> None:
        """Keep a new order, and see that the shop shows it as it was placed."""
        pk = answer["id"]
        self.shop.orders[pk] = Order(user, {name: answer[name] for name in answer.keys() - {"ordered_at"}})
        shown = self.http.get(f"/api/v1/orders/{pk}", headers={"X-User-Id": str(user)}).json()
        assert shown == {name: answer[name] for name in answer.keys() - {"balance_after"}}


def rows(columns: str, table: str) -> list[tuple[Any, ...]]:
    return execute(f"SELECT {columns} FROM {table} ORDER BY 1")
