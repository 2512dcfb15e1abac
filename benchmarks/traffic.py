"""What the clients of each scenario send: endless requests, ready to go over the wire."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

Options = Mapping[str, int]
USERS, PRODUCTS = "users", "products"


def request(host: str, method: str, path: str, *, user: int | None = None, body: Any = None) -> bytes:
    """One HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if user is not None:
        lines.append(f"X-User-Id: {user}")
    content = b"" if body is None else json.dumps(body).encode()
    if content:
        lines.append("Content-Type: application/json")
    if method == "POST":
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


def orders(host: str, options: Options, *, hot: bool) -> Iterator[bytes]:
    """Two-line orders of random members: of two random products, or of the one hot product and another."""
    half = options[PRODUCTS] // 2
    while True:
        first = 1 if hot else random.randint(1, half)
        lines = [first, random.randint(half + 1, options[PRODUCTS])]
        items = [{"product_id": product, "quantity": 1} for product in lines]
        yield request(host, "POST", "/api/v1/orders", user=_anybody(options), body={"items": items})


def charges(host: str, options: Options, *, one: bool) -> Iterator[bytes]:
    """Charges to random members, or all of them to one."""
    while True:
        user = 1 if one else _anybody(options)
        yield request(host, "POST", "/api/v1/points/charges", user=user, body={"amount": 1})


def issues(host: str, options: Options) -> Iterator[bytes]:
    """Members who never had one ask for the coupon, each once."""
    for user in count(options["first_user"]):
        yield request(host, "POST", f"/api/v1/coupons/{options['coupon']}/issue", user=user)


def issues_again(host: str, options: Options) -> Iterator[bytes]:
    """Members who all have one ask for the coupon."""
    while True:
        user = random.randint(1, options["holders"])
        yield request(host, "POST", f"/api/v1/coupons/{options['coupon']}/issue", user=user)


def reads(host: str, options: Options, *, path: str) -> Iterator[bytes]:
    """A path with a random product in it, where it has a place for one."""
    while True:
        yield request(host, "GET", path.format(product=random.randint(1, options[PRODUCTS])))


def own_reads(host: str, options: Options, *, path: str) -> Iterator[bytes]:
    """A path asked for by random members who hold coupons and have bought, with an order of theirs in it."""
    while True:
        order = random.randint(1, options["orders"])
        user = 1 + (order - 1) % options["holders"]  # as sql/stand.sql has it
        yield request(host, "GET", path.format(order=order), user=user)


def _anybody(options: Options) -> int:
    return random.randint(1, options[USERS])


REQUESTS: dict[str, Callable[[str, Options], Iterator[bytes]]] = {
    "orders": lambda host, options: orders(host, options, hot=False),
    "orders-hot": lambda host, options: orders(host, options, hot=True),
    "charges": lambda host, options: charges(host, options, one=False),
    "charges-one": lambda host, options: charges(host, options, one=True),
    "issues": issues,
    "issues-sold-out": issues,
    "issues-again": issues_again,
    "product": lambda host, options: reads(host, options, path="/api/v1/products/{product}"),
    "products": lambda host, options: reads(host, options, path="/api/v1/products"),
    "balance": lambda host, options: own_reads(host, options, path="/api/v1/points"),
    "order": lambda host, options: own_reads(host, options, path="/api/v1/orders/{order}"),
    "orders-page": lambda host, options: own_reads(host, options, path="/api/v1/orders"),
    "ledger": lambda host, options: own_reads(host, options, path="/api/v1/points/transactions"),
    "issued-coupons": lambda host, options: own_reads(host, options, path="/api/v1/issued-coupons"),
    "coupons": lambda host, options: reads(host, options, path="/api/v1/coupons"),
    "ranking": lambda host, options: reads(host, options, path="/api/v1/rankings/products"),
    "noop": lambda host, options: reads(host, options, path="/api/v1/noop"),
}
