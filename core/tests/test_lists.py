"""Lists: the cursor's walk, its bounds, and forged ones."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.scenes import buyer, hold_coupon
from users.models import User

Make = Callable[[Client, User], Any]

BY_ID, NEWEST = "by id", "newest first"


def make_order(http: Client, user: User) -> Any:
    return http.order(user, {ProductFactory(price=1).pk: 1})


LISTS: dict[str, tuple[Make, str]] = {
    "products": (lambda _http, _user: ProductFactory(), BY_ID),
    "coupons": (lambda _http, _user: CouponFactory(), BY_ID),
    "points/transactions": (lambda http, user: http.charge(user, 1), NEWEST),
    "issued-coupons": (hold_coupon, NEWEST),
    "orders": (make_order, NEWEST),
}


def pages(http: Client, user: User, path: str, link: str = "next") -> Iterator[Any]:
    """The page at the path, and those that its links lead to."""
    at: str | None = path
    while at:
        answer = http.get(at.removeprefix(http.url), user=user)
        assert answer.status == 200, answer.body
        assert set(answer.json) == {"next", "previous", "results"}
        yield answer.json
        at = answer.json[link]


def ids(pages: list[Any]) -> list[int]:
    return [row["id"] for page in pages for row in page["results"]]


@pytest.mark.parametrize(("path", "make", "order"), [(path, *how) for path, how in LISTS.items()])
def test_list_has_each_row_once_in_order_forward_and_back(
    http: Client, path: str, make: Make, order: str
) -> None:
    user = buyer(http, points=0 if path == "points/transactions" else 100)
    for _ in range(5):
        make(http, user)
    forward = list(pages(http, user, f"{path}?page_size=2"))
    expected = sorted(ids(list(pages(http, user, path))), reverse=order == NEWEST)
    assert [len(page["results"]) for page in forward][:2] == [2, 2]
    assert ids(forward) == expected
    assert forward[0]["previous"] is None
    back = list(pages(http, user, forward[-2]["next"], "previous"))
    assert ids(back[::-1]) == expected


@pytest.mark.parametrize("path", LISTS)
def test_empty_list_is_an_empty_page(http: Client, path: str) -> None:
    user = buyer(http, points=0)
    assert http.get(path, user=user).json == {"next": None, "previous": None, "results": []}


def test_page_has_20_rows_by_default_and_100_at_most(http: Client) -> None:
    ProductFactory.create_batch(101)
    sizes = [
        len(http.get(path).json["results"])
        for path in ("products", "products?page_size=1", "products?page_size=100")
    ]
    assert sizes == [20, 1, 100]


def test_list_orders_rows_of_one_moment_by_id(http: Client) -> None:
    user = buyer(http)
    for _ in range(7):
        make_order(http, user)
    execute("UPDATE orders_order SET ordered_at = '2026-01-31 15:00:00+00'")
    forward = list(pages(http, user, "orders?page_size=2"))
    assert ids(forward) == sorted(ids(forward), reverse=True)
    assert len(set(ids(forward))) == 7
    back = list(pages(http, user, forward[-2]["next"], "previous"))
    assert ids(back[::-1]) == ids(forward)


def test_list_is_not_shifted_by_a_row_added_meanwhile(http: Client) -> None:
    user = buyer(http)
    for _ in range(4):
        make_order(http, user)
    walk = pages(http, user, "orders?page_size=2")
    first = next(walk)
    make_order(http, user)
    assert len(set(ids([first, *walk]))) == 4


def test_links_keep_the_other_parameters(http: Client) -> None:
    user = buyer(http)
    for _ in range(3):
        hold_coupon(http, user)
    link = http.get("issued-coupons?status=usable&page_size=1", user=user).json["next"]
    assert "status=usable" in link
    assert "page_size=1" in link


def token(text: str | bytes) -> str:
    return quote(b64encode(text.encode() if isinstance(text, str) else text).decode())


PAGE_SIZES = (
    "0",
    "101",
    "1000000000",
    "abc",
    "",
    "-1",
    "+5",
    "1.0",
    "1e1",
    "%00",
    "5%00",
    "%EF%BC%91%EF%BC%92",
    "1_0",
    "0x5",
    "05%20",
    "%205",
    "5%0A",
    "true",
    "9" * 5_000,
)
CURSORS = (
    "abc",
    "!!!!",
    "%00",
    "%F0%9F%8D%8E",
    "%FF",
    "9" * 5_000,
    token("abc"),
    token("x=1"),
    token(b"\xff\xfe"),
    token("o=-1"),
    token("o=abc"),
    token("o=99999999999999999999999"),
    token("r=x"),
    token("p="),
    token("p=%00"),
    token("p=abc"),
    token("p=1 OR 1=1"),
    token("p=-1"),
    token("p=1.5"),
    token("p=１"),
    token("p=nan"),
    token("p=99999999999999999999"),
    token("p=9999-99-99T00:00:00+09:00"),
    token("p=2026-01-01T00:00:00"),
    token("p=infinity"),
)  # fmt: skip


@pytest.mark.parametrize(("parameter", "values"), [("page_size", PAGE_SIZES), ("cursor", CURSORS)])
@pytest.mark.parametrize("path", LISTS)
def test_bad_parameter_is_named(http: Client, path: str, parameter: str, values: tuple[str, ...]) -> None:
    user = buyer(http, points=0)
    for value in values:
        answer = http.get(f"{path}?{parameter}={value}", user=user)
        assert (answer.status, answer.code) == (400, "invalid"), value
        assert [(error["parameter"], error["code"]) for error in answer.json["errors"]] == [
            (parameter, parameter)
        ]


def test_cursor_that_is_altered_or_of_another_kind_of_list_is_refused(http: Client) -> None:
    user = buyer(http)
    for _ in range(2):
        make_order(http, user)
    (cursor,) = parse_qs(urlsplit(http.get("products?page_size=1").json["next"]).query)["cursor"]
    assert http.get(f"products?cursor={cursor}").status == 200
    position, _, signature = cursor.partition(":")
    other = urlsafe_b64encode(b"[false,4611686018427387904]").decode().rstrip("=")
    for path in (
        f"products?cursor={other}:{signature}",
        f"products?cursor={position}",
        f"orders?cursor={cursor}",
    ):
        assert http.get(path, user=user).code == "invalid"


@pytest.mark.parametrize(
    "value", ["USABLE", "all", "usable%00", "%00", "usable,used", "used%20", "%EF%BC%91"]
)
def test_bad_status_is_named(http: Client, value: str) -> None:
    answer = http.get(f"issued-coupons?status={value}", user=buyer(http, points=0))
    assert answer.code == "invalid"
    assert [(error["parameter"], error["code"]) for error in answer.json["errors"]] == [("status", "status")]


def test_empty_cursor_or_status_counts_as_absent(http: Client) -> None:
    user = buyer(http, points=1)
    hold_coupon(http, user)
    for path in (*LISTS, "issued-coupons?status=", "issued-coupons?status=used&status="):
        empty = f"{path}{'&' if '?' in path else '?'}cursor="
        assert ids([http.get(empty, user=user).json]) == ids(
            [http.get(path.partition("?")[0], user=user).json]
        )
    ProductFactory.create_batch(2)
    assert [len(page["results"]) for page in pages(http, user, "products?cursor=&page_size=1")] == [1, 1]


@pytest.mark.parametrize(
    "text",
    ["r=1", "p=2026-01-01 00:00:00%2B00:00", "p=0001-01-01T00:00:00%2B23:59", "p=9999-12-31T23:59:59-23:59"],
)
def test_cursor_of_another_list_is_never_an_error(http: Client, text: str) -> None:
    user = buyer(http)
    assert http.get(f"points/transactions?cursor={token(text)}", user=user).status in {200, 400}
