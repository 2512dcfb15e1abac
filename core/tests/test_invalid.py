"""Well-formed JSON that breaks the contract: `invalid`, with every wrong place named."""

import json
from typing import Any

import pytest

from coupons.factories import CouponFactory
from tests.kit.client import JSON, Answer, Client
from tests.kit.database import nothing_written
from users.factories import UserFactory

LINE = {"product_id": 1, "quantity": 1}


def refused(http: Client, path: str, body: bytes, **headers: str) -> set[tuple[str, str]]:
    """Where and why a body is refused."""
    user = UserFactory()
    with nothing_written():
        answer = http.send("POST", path, user=user, body=body, headers={**JSON, **headers})
    assert (answer.status, answer.code) == (400, "invalid")
    return places(answer)


def places(answer: Answer) -> set[tuple[str, str]]:
    errors = answer.json["errors"]
    assert all(set(error) == {"pointer", "code", "detail"} and error["detail"] for error in errors)
    return {(error["pointer"], error["code"]) for error in errors}


AMOUNTS = {
    b"{}": "required",
    b'{"amount": null}': "null",
    b'{"amount": "1"}': "not_an_integer",
    b'{"amount": ""}': "not_an_integer",
    b'{"amount": "1_000"}': "not_an_integer",
    '{"amount": "１２"}'.encode(): "not_an_integer",
    b'{"amount": " 1 "}': "not_an_integer",
    b'{"amount": 1.0}': "not_an_integer",
    b'{"amount": 1e3}': "not_an_integer",
    b'{"amount": 1E400}': "not_an_integer",
    b'{"amount": -0.0}': "not_an_integer",
    b'{"amount": true}': "not_an_integer",
    b'{"amount": false}': "not_an_integer",
    b'{"amount": []}': "not_an_integer",
    b'{"amount": {}}': "not_an_integer",
    b'{"amount": [1]}': "not_an_integer",
    b'{"amount": 0}': "min_value",
    b'{"amount": -0}': "min_value",
    b'{"amount": -1}': "min_value",
    b'{"amount": -' + b"9" * 5_000 + b"}": "min_value",
}


@pytest.mark.parametrize(("body", "code"), AMOUNTS.items(), ids=[str(body[:20]) for body in AMOUNTS])
def test_amount_is_a_json_integer_from_1(http: Client, body: bytes, code: str) -> None:
    assert refused(http, "points/charges", body) == {("/amount", code)}


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"true", b'[{"amount": 1}]', b'""', b"0", b"false"])
@pytest.mark.parametrize("path", ["points/charges", "orders", "orders/quote"])
def test_body_that_is_no_object_is_invalid_as_a_whole(http: Client, path: str, body: bytes) -> None:
    assert refused(http, path, body) == {("", "not_an_object")}


def test_null_body_is_invalid_as_a_whole(http: Client) -> None:
    assert refused(http, "orders", b"null") == {("", "null")}


@pytest.mark.parametrize("headers", [{}, JSON], ids=["absent", "empty"])
@pytest.mark.parametrize(
    ("path", "field"), [("points/charges", "/amount"), ("orders", "/items"), ("orders/quote", "/items")]
)
def test_absent_or_empty_body_is_invalid(
    http: Client, path: str, field: str, headers: dict[str, str]
) -> None:
    answer = http.send("POST", path, user=UserFactory(), headers=headers)
    assert places(answer) == {(field, "required")}


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("Amount", "/Amount"),
        ("a/b", "/a~1b"),
        ("m~n", "/m~0n"),
        ("~1", "/~01"),
        ("", "/"),
        ("한글", "/한글"),
        ("a b", "/a b"),
    ],
)
def test_unknown_field_is_named_by_its_json_pointer(http: Client, name: str, pointer: str) -> None:
    body = json.dumps({"amount": 1, name: 1}).encode()
    assert refused(http, "points/charges", body) == {(pointer, "unknown")}


@pytest.mark.parametrize("field", ["user", "user_id", "balance", "balance_after", "type", "order_id", "id"])
def test_charge_with_computed_fields_is_refused(http: Client, field: str) -> None:
    assert refused(http, "points/charges", json.dumps({"amount": 1, field: 1}).encode()) == {
        (f"/{field}", "unknown")
    }


@pytest.mark.parametrize(
    "field", ["user", "user_id", "total", "subtotal", "discount", "status", "balance", "coupon_id"]
)
@pytest.mark.parametrize("path", ["orders", "orders/quote"])
def test_order_with_computed_fields_is_refused(http: Client, path: str, field: str) -> None:
    body = json.dumps({"items": [LINE], field: 1}).encode()
    assert refused(http, path, body) == {(f"/{field}", "unknown")}


@pytest.mark.parametrize("field", ["unit_price", "price", "amount", "product_name", "id"])
def test_line_with_computed_fields_is_refused(http: Client, field: str) -> None:
    body = json.dumps({"items": [{**LINE, field: 1}]}).encode()
    assert refused(http, "orders", body) == {(f"/items/0/{field}", "unknown")}


LINES: dict[str, tuple[Any, set[tuple[str, str]]]] = {
    "items null": (None, {("/items", "null")}),
    "items an object": ({}, {("/items", "not_a_list")}),
    "items a text": ("1", {("/items", "not_a_list")}),
    "items a number": (1, {("/items", "not_a_list")}),
    "no line": ([], {("/items", "min_length")}),
    "101 lines": ([{"product_id": pk, "quantity": 1} for pk in range(1, 102)], {("/items", "max_length")}),
    "line a number": ([1], {("/items/0", "not_an_object")}),
    "line a list": ([LINE, []], {("/items/1", "not_an_object")}),
    "line null": ([None], {("/items/0", "null")}),
    "line empty": ([{}], {("/items/0/product_id", "required"), ("/items/0/quantity", "required")}),
    "id a text": ([{**LINE, "product_id": "1"}], {("/items/0/product_id", "not_an_integer")}),
    "id true": ([{**LINE, "product_id": True}], {("/items/0/product_id", "not_an_integer")}),
    "id a fraction": ([{**LINE, "product_id": 1.0}], {("/items/0/product_id", "not_an_integer")}),
    "id null": ([{**LINE, "product_id": None}], {("/items/0/product_id", "null")}),
    "quantity 0": ([{**LINE, "quantity": 0}], {("/items/0/quantity", "min_value")}),
    "quantity negative": ([{**LINE, "quantity": -1}], {("/items/0/quantity", "min_value")}),
    "quantity 1,000,001": ([{**LINE, "quantity": 1_000_001}], {("/items/0/quantity", "max_value")}),
    "quantity a text": ([{**LINE, "quantity": "1"}], {("/items/0/quantity", "not_an_integer")}),
    "quantity a list": ([{**LINE, "quantity": [1]}], {("/items/0/quantity", "not_an_integer")}),
    "repeated product": (
        [LINE, {"product_id": 2, "quantity": 1}, LINE],
        {("/items/2/product_id", "duplicate")},
    ),
    "third line wrong": (
        [
            {"product_id": 1, "quantity": 1},
            {"product_id": 2, "quantity": 1},
            {"product_id": 3, "quantity": 0},
        ],
        {("/items/2/quantity", "min_value")},
    ),
}


@pytest.mark.parametrize(("items", "expected"), LINES.values(), ids=LINES.keys())
@pytest.mark.parametrize("path", ["orders", "orders/quote"])
def test_lines_of_an_order_are_checked(
    http: Client, path: str, items: Any, expected: set[tuple[str, str]]
) -> None:
    assert refused(http, path, json.dumps({"items": items}).encode()) == expected


@pytest.mark.parametrize("field", ["issued_coupon_id", "expected_total"])
@pytest.mark.parametrize("value", ["1", 1.5, True, [], {}, ""])
def test_optional_field_is_a_json_integer(http: Client, field: str, value: Any) -> None:
    body = json.dumps({"items": [LINE], field: value}).encode()
    assert refused(http, "orders", body) == {(f"/{field}", "not_an_integer")}


def test_invalid_fields_are_all_named_at_once(http: Client) -> None:
    body = {
        "items": [{"product_id": "1"}, {"product_id": 2, "quantity": 0, "x": 1}],
        "expected_total": 1.5,
        "y": 1,
    }
    assert refused(http, "orders", json.dumps(body).encode()) == {
        ("/items/0/product_id", "not_an_integer"),
        ("/items/0/quantity", "required"),
        ("/items/1/quantity", "min_value"),
        ("/items/1/x", "unknown"),
        ("/expected_total", "not_an_integer"),
        ("/y", "unknown"),
    }


def test_issue_needs_no_body_and_takes_no_fields(http: Client) -> None:
    path = f"coupons/{CouponFactory().pk}/issue"
    assert refused(http, path, b'{"user_id": 2}') == {("/user_id", "unknown")}
    assert refused(http, path, b"[]") == {("", "not_an_object")}
    assert http.post(path, {}, user=UserFactory()).status == 201
    assert http.post(path, user=UserFactory()).status == 201


KEYS = ("", " ", "a b", "x" * 256, "\u00e9", "a\tb")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("path", "body"), [("points/charges", {"amount": 1}), ("orders", {"items": [LINE]})])
def test_bad_idempotency_key_is_named_as_a_header(http: Client, path: str, body: Any, key: str) -> None:
    user = UserFactory()
    with nothing_written():
        answer = http.post(path, body, user=user, key=key)
    assert answer.code == "invalid"
    assert [(error["header"], error["code"]) for error in answer.json["errors"]] == [
        ("Idempotency-Key", "idempotency_key")
    ]
