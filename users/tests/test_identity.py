"""Who is calling: X-User-Id, in one spelling only, and what comes before and after that question."""

from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit.client import JSON, Client
from tests.kit.database import execute, nothing_written
from tests.kit.scenes import MAX_BIGINT
from users.factories import UserFactory

PRIVATE = (
    ("GET", "points"),
    ("POST", "points/charges"),
    ("GET", "points/transactions"),
    ("POST", "coupons/1/issue"),
    ("GET", "issued-coupons"),
    ("GET", "issued-coupons/1"),
    ("POST", "orders"),
    ("POST", "orders/quote"),
    ("GET", "orders"),
    ("GET", "orders/1"),
)
PUBLIC = ("products", "coupons", "rankings/products")
NOBODY = (
    "",
    " ",
    "0",
    "00",
    "-1",
    "abc",
    "null",
    "1.0",
    "1e0",
    "0x1",
    "1,1",
    "1 1",
    "１",
    "٣",
    "²",
    "é",
    str(MAX_BIGINT),
    str(MAX_BIGINT + 1),
    "9" * 19,
    "9" * 20,
    "9" * 5_000,
)
SPELLINGS = ("0{}", "+{}", "{}.0", "{}e0", "{}_", "{},", "'{}'", "{} OR 1=1", "{}\u00a0")


def as_sent(value: str) -> str:
    """Characters beyond ASCII as the UTF-8 bytes a client would send."""
    return value.encode().decode("latin-1")


def ask(http: Client, *headers: tuple[str, str]) -> Any:
    """Read the caller's balance with headers sent one by one, as they are."""
    address = urlsplit(http.url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=30)
    connection.putrequest("GET", "/api/v1/points")
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.mark.parametrize("user_id", NOBODY, ids=[each[:20] for each in NOBODY])
def test_caller_who_is_no_member_is_not_registered(http: Client, user_id: str) -> None:
    with nothing_written():
        answer = http.post("points/charges", {"amount": 1}, headers={"X-User-Id": as_sent(user_id)})
    assert (answer.status, answer.code) == (401, "not_registered")
    assert answer.headers["WWW-Authenticate"]


def test_caller_who_is_no_member_neither_buys_nor_takes_anything(http: Client) -> None:
    free, coupon = ProductFactory(price=0), CouponFactory()
    basket = {"items": [{"product_id": free.pk, "quantity": 1}]}
    with nothing_written():
        answers = [http.post("orders", basket, user=1), http.post(f"coupons/{coupon.pk}/issue", user=1)]
    assert [answer.code for answer in answers] == ["not_registered"] * 2


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_members_id_in_another_spelling_is_not_registered(http: Client, spelling: str) -> None:
    given = as_sent(spelling.format(UserFactory().pk))
    assert http.get("points", headers={"X-User-Id": given}).code == "not_registered"


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_private_endpoint_needs_a_caller(http: Client, method: str, path: str) -> None:
    for headers in ({}, {"X-User-Id": "1000000"}):
        answer = http.send(method, path, headers=headers)
        assert (answer.status, answer.code) == (401, "not_registered")
        assert answer.headers["WWW-Authenticate"]


def test_member_with_the_highest_id_there_can_be_is_known(http: Client) -> None:
    execute("INSERT INTO users_user (id, name) VALUES (%s, '김하나')", MAX_BIGINT)
    assert http.get("points", user=MAX_BIGINT).json == {"user_id": MAX_BIGINT, "balance": 0}


def test_caller_who_was_removed_is_not_registered_any_more(http: Client) -> None:
    user = UserFactory()
    assert http.get("points", user=user).status == 200
    execute("DELETE FROM users_user")
    assert http.get("points", user=user).code == "not_registered"


def test_identity_sent_twice_is_none(http: Client) -> None:
    one, two = UserFactory.create_batch(2)
    assert ask(http, ("X-User-Id", str(one.pk))) == 200
    assert ask(http, ("X-User-Id", str(one.pk)), ("X-User-Id", str(two.pk))) == 401
    assert ask(http, ("X-User-Id", str(one.pk)), ("X-User-Id", str(one.pk))) == 401


@pytest.mark.parametrize("name", ["X_User_Id", "X-User_Id", "x_user-id"])
def test_name_with_underscores_is_never_the_identity(http: Client, name: str) -> None:
    user = UserFactory()
    assert ask(http, (name, str(user.pk))) == 401
    assert ask(http, ("X-User-Id", str(user.pk)), (name, "0")) == 200
    assert ask(http, ("X-User-Id", "0"), (name, str(user.pk))) == 401


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("user_id", ["", "0", "abc", "9" * 30])
def test_public_endpoint_needs_no_caller(http: Client, path: str, user_id: str) -> None:
    CouponFactory()
    assert http.get(path).status == 200
    assert http.get(path, headers={"X-User-Id": user_id, "X-Gateway-Secret": "wrong"}).status == 200


LATER_REFUSALS: dict[str, tuple[str, str, dict[str, str], bytes]] = {
    "method_not_allowed": ("DELETE", "points", {}, b""),
    "not_acceptable": ("GET", "points", {"Accept": "text/html"}, b""),
    "too_large": ("POST", "points/charges", JSON, b" " * 70_000),
    "unsupported_media_type": ("POST", "points/charges", {"Content-Type": "text/plain"}, b"{}"),
    "malformed": ("POST", "orders", JSON, b"{"),
    "invalid": ("POST", "orders", JSON, b"{}"),
    "not_found": ("GET", "orders/1", {}, b""),
}


@pytest.mark.parametrize("code", LATER_REFUSALS)
def test_caller_is_checked_before_anything_else(http: Client, code: str) -> None:
    method, path, headers, body = LATER_REFUSALS[code]
    assert http.send(method, path, headers=headers, body=body).code == "not_registered"
    assert http.send(method, path, headers=headers, body=body, user=UserFactory()).code == code


def test_refusals_before_the_body_have_their_order_too(http: Client) -> None:
    user, large = UserFactory(), b" " * 70_000
    html, plain = {"Accept": "text/html"}, {"Content-Type": "text/plain"}
    asked = [
        http.send("PUT", "orders", user=user, headers={**html, **plain}, body=large),
        http.send("POST", "orders", user=user, headers={**html, **plain}, body=large),
        http.send("POST", "orders", user=user, headers=plain, body=large),
        http.send("POST", "orders", user=user, headers=plain, body=b"{"),
        http.send("POST", "orders", user=user, headers=JSON, body=b"{"),
    ]
    codes = ["method_not_allowed", "not_acceptable", "too_large", "unsupported_media_type", "malformed"]
    assert [answer.code for answer in asked] == codes
