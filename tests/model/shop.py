"""The shop as a page of Python: what the contract says, with no database, no HTTP and no concurrency."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.model.exchange import Basket, Refused

MAX_BIGINT = 2**63 - 1
RANKED = 5


@dataclass
class Product:
    name: str
    price: int
    stock: int


@dataclass
class Campaign:
    terms: dict[str, Any]
    quantity: int
    closes_at: str | None = None
    holders: dict[int, int] = field(default_factory=dict)  # what each user holds, in the order of issue


@dataclass
class Held:
    user: int
    terms: dict[str, Any]
    expired: bool = False
    used: bool = False


@dataclass
class Order:
    user: int
    answer: dict[str, Any]
    in_window: bool = True
    delivered: bool = False


def item(pk: int, product: Product, quantity: int) -> dict[str, Any]:
    amount = product.price * quantity
    line = {"product_id": pk, "product_name": product.name, "unit_price": product.price}
    return {**line, "quantity": quantity, "amount": amount}


@dataclass
class Shop:
    balances: dict[int, int] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    campaigns: dict[int, Campaign] = field(default_factory=dict)
    held: dict[int, Held] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)

    def charge(self, user: int, amount: int) -> dict[str, Any]:
        balance = self.balances.get(user, 0) + amount
        if balance > MAX_BIGINT:
            raise Refused("balance_overflow")
        self.balances[user] = balance
        return {"type": "charge", "amount": amount, "balance_after": balance, "order_id": None}

    def issue(self, user: int, coupon_id: int) -> dict[str, Any]:
        campaign = self.campaigns.get(coupon_id)
        if campaign is None:
            raise Refused("not_found")
        if campaign.closes_at is not None:
            raise Refused("coupon_not_open", opens_at=None, closes_at=campaign.closes_at)
        if user in campaign.holders:
            raise Refused("coupon_already_issued", issued_coupon_id=campaign.holders[user])
        if len(campaign.holders) >= campaign.quantity:
            raise Refused("coupon_sold_out")
        sequence = len(campaign.holders) + 1
        new = {"coupon_id": coupon_id, "sequence": sequence, "status": "usable", "used_at": None}
        return campaign.terms | new

    def hold(self, user: int, coupon_id: int, issued_coupon_id: int) -> None:
        """The id that an issue got."""
        campaign = self.campaigns[coupon_id]
        campaign.holders[user] = issued_coupon_id
        self.held[issued_coupon_id] = Held(user, dict(campaign.terms))

    def quote(self, basket: Basket) -> dict[str, Any]:
        if missing := [pk for pk in basket.quantities if pk not in self.products]:
            raise Refused("product_not_found", product_ids=missing)
        items = [item(pk, self.products[pk], quantity) for pk, quantity in basket.quantities.items()]
        subtotal = sum(item["amount"] for item in items)
        discount = self._discount_of(basket, subtotal)
        self._require_stock(basket)
        total = subtotal - discount
        if basket.expected_total not in {None, total}:
            raise Refused("price_changed", expected_total=basket.expected_total, total=total)
        balance = self.balances.get(basket.user, 0)
        if total > balance or subtotal > MAX_BIGINT:
            raise Refused("insufficient_points", required=total, balance=balance)
        sums = {"subtotal": subtotal, "discount": discount, "total": total}
        return {"items": items, **sums, "balance": balance, "balance_after": balance - total}

    def order(self, basket: Basket) -> dict[str, Any]:
        answer = self.quote(basket)
        del answer["balance"]
        if answer["total"]:
            self.balances[basket.user] = answer["balance_after"]
        for pk, quantity in basket.quantities.items():
            self.products[pk].stock -= quantity
        if basket.issued_coupon_id is not None:
            self.held[basket.issued_coupon_id].used = True
        return {**answer, "status": "paid", "issued_coupon_id": basket.issued_coupon_id}

    def ranking(self) -> list[tuple[int, int, int]]:
        """Product, units and won, best first."""
        sums: dict[int, tuple[int, int]] = {}
        for line in (
            line for order in self.orders.values() if order.in_window for line in order.answer["items"]
        ):
            units, won = sums.get(line["product_id"], (0, 0))
            sums[line["product_id"]] = units + line["quantity"], won + line["amount"]
        return sorted(((pk, *sold) for pk, sold in sums.items()), key=self.place)[:RANKED]

    def place(self, sold: tuple[int, int, int]) -> Any:
        """More units come first, and the lower id first among equals."""
        return -sold[1], sold[0]

    def discount(self, terms: Mapping[str, Any], subtotal: int) -> int:
        if terms["discount_type"] == "fixed":
            return min(terms["discount_value"], subtotal)
        share = subtotal * terms["discount_value"] // 100
        return min(share, terms["max_discount"] or share)

    def _discount_of(self, basket: Basket, subtotal: int) -> int:
        if basket.issued_coupon_id is None:
            return 0
        coupon = self.held.get(basket.issued_coupon_id)
        if coupon is None or coupon.user != basket.user:
            raise Refused("coupon_not_found")
        if coupon.used or coupon.expired:
            raise Refused("coupon_already_used" if coupon.used else "coupon_expired")
        return self.discount(coupon.terms, subtotal)

    def _require_stock(self, basket: Basket) -> None:
        stock = {pk: self.products[pk].stock for pk in basket.quantities}
        short = [(pk, wanted) for pk, wanted in basket.quantities.items() if wanted > stock[pk]]
        if short:
            told = [{"product_id": pk, "requested": wanted, "available": stock[pk]} for pk, wanted in short]
            raise Refused("out_of_stock", shortages=told)
