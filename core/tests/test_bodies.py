"""Bodies that are too large, of another type, or not JSON as the contract reads it: 413, 415, malformed."""

import gzip
import json

import pytest

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit.client import JSON, Answer, Client
from tests.kit.database import nothing_written
from tests.kit.scenes import buyer
from users.factories import UserFactory

KIB = 1024
ENDPOINTS = ("points/charges", "orders", "orders/quote")


def charge(http: Client, body: bytes, **headers: str) -> Answer:
    """Send a new user's charge as it stands; whatever is refused must write nothing."""
    user = UserFactory()
    given = {name.replace("_", "-"): value for name, value in headers.items()} or JSON
    return http.send("POST", "points/charges", user=user, body=body, headers=given)


def padded(size: int) -> bytes:
    return b'{"amount": 1}'.ljust(size)


@pytest.mark.parametrize("size", [64 * KIB + 1, 3_000_000])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_body_over_64_kib_is_too_large(http: Client, path: str, size: int) -> None:
    user = UserFactory()
    with nothing_written():
        answer = http.send("POST", path, user=user, body=padded(size), headers=JSON)
    assert (answer.status, answer.code) == (413, "too_large")


def test_body_of_exactly_64_kib_is_read(http: Client) -> None:
    assert charge(http, padded(64 * KIB)).status == 201


def test_body_without_a_length_is_read_and_bounded_too(http: Client) -> None:
    user = UserFactory()
    for size, status in ((100, 201), (64 * KIB, 201), (64 * KIB + 1, 413)):
        whole = padded(size)
        pieces = (whole[start : start + 1000] for start in range(0, size, 1000))
        headers = {**JSON, "X-User-Id": str(user.pk)}
        answer = http.http.request("POST", f"{http.url}/api/v1/points/charges", body=pieces, headers=headers)
        assert answer.status == status


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json5",
        "application/merge-patch+json",
        "application/*",
        "*/*",
        "garbage",
        "application/json; charset=utf-16",
        "application/json; charset=euc-kr",
        'application/json; charset="latin-1"',
    ],
)
def test_content_type_other_than_json_is_unsupported(http: Client, content_type: str) -> None:
    answer = charge(http, b'{"amount": 1}', Content_Type=content_type)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


FORM_TYPES = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/plain;charset=UTF-8",
    "TEXT/PLAIN",
    "text/plain; application/json",
    "text/html",
    "application/xml",
    "application/json, text/plain",
    "application/json; charset=utf-8; charset=euc-kr",
    "application/json; charset=",
)


def test_content_type_of_a_cross_site_form_is_unsupported_without_a_body_too(http: Client) -> None:
    user, coupon = UserFactory(), CouponFactory()
    with nothing_written():
        for content_type in FORM_TYPES:
            for path in (f"coupons/{coupon.pk}/issue", *ENDPOINTS):
                headers = {"Content-Type": content_type}
                answers = [
                    http.send("POST", path, user=user, body=body, headers=headers) for body in (None, b"")
                ]
                assert {answer.code for answer in answers} == {"unsupported_media_type"}, content_type


def test_coupon_is_issued_without_a_body_and_with_no_type_or_json_s(http: Client) -> None:
    coupon = CouponFactory()
    for headers in ({}, {"Content-Type": ""}, JSON, {"Content-Type": "application/json; charset=utf-8"}):
        answer = http.send("POST", f"coupons/{coupon.pk}/issue", user=UserFactory(), headers=headers)
        assert answer.status == 201


def test_read_needs_no_content_type_and_ignores_one(site: Client) -> None:
    assert site.get("products", headers={"Content-Type": "text/html"}).status == 200


CODINGS = ("gzip", "GZIP", "br", "deflate", "x", "gzip, identity", "identity, gzip", "identity,,zstd ", "*")


def test_content_coding_is_unsupported_on_every_endpoint(http: Client) -> None:
    user, coupon = UserFactory(), CouponFactory()
    answers = []
    with nothing_written():
        for coding in CODINGS:
            headers = {**JSON, "Content-Encoding": coding}
            for body in (b'{"amount": 1}', gzip.compress(b'{"amount": 1}'), None):
                sent = [http.send("POST", path, user=user, body=body, headers=headers) for path in ENDPOINTS]
                answers += sent
            answers += [http.post(f"coupons/{coupon.pk}/issue", user=user, headers=headers)]
            answers += [
                http.get(path, user=user, headers=headers) for path in ("products", "points", "orders")
            ]
    assert {(answer.status, answer.code) for answer in answers} == {(415, "unsupported_media_type")}
    assert {answer.headers["Accept-Encoding"] for answer in answers} == {"identity"}


def test_content_coding_identity_is_accepted(http: Client) -> None:
    for coding in ("identity", " Identity ", "identity, identity", ""):
        headers = {"Content_Type": "application/json", "Content_Encoding": coding}
        assert charge(http, b'{"amount": 1}', **headers).status == 201


def test_caller_and_content_type_are_checked_before_the_body(http: Client) -> None:
    coded = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    user, html = UserFactory(), {**coded, "Accept": "text/html"}
    assert http.post("points/charges", headers=coded).code == "not_registered"
    assert http.post("points", user=user, headers=html).code == "method_not_allowed"
    assert http.post("points/charges", user=user, headers=html).code == "not_acceptable"
    large = http.send("POST", "points/charges", user=user, body=padded(64 * KIB + 1), headers=coded)
    assert large.code == "too_large"
    assert http.send("POST", "points/charges", user=user, body=b"{", headers=coded).status == 415


@pytest.mark.parametrize("path", ENDPOINTS)
def test_body_without_a_content_type_is_unsupported(http: Client, path: str) -> None:
    user = UserFactory()
    with nothing_written():
        answer = http.send("POST", path, user=user, body=b'{"amount": 1}')
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ],
)
def test_json_in_utf_8_is_read_however_it_is_spelt(http: Client, content_type: str) -> None:
    assert charge(http, b'{"amount": 1}', Content_Type=content_type).status == 201


MALFORMED = {
    "whitespace alone": b"  \n",
    "cut off": b'{"amount": 1',
    "single quotes": b"{'amount': 1}",
    "no quotes": b"{amount: 1}",
    "comment": b'{"amount": 1} // all of it',
    "trailing comma": b'{"amount": 1,}',
    "trailing garbage": b'{"amount": 1} x',
    "two values": b'{"amount": 1}{"amount": 1}',
    "leading zero": b'{"amount": 01}',
    "plus sign": b'{"amount": +1}',
    "underscore": b'{"amount": 1_000}',
    "full-width digits": '{"amount": １２}'.encode(),
    "hexadecimal": b'{"amount": 0x10}',
    "NaN": b'{"amount": NaN}',
    "Infinity": b'{"amount": Infinity}',
    "minus Infinity": b'{"amount": -Infinity}',
    "NUL": b'{"amount": 1}\x00',
    "control character": b'{"amount": "\x01"}',
    "bad UTF-8": b'{"amount": "\xff"}',
    "overlong UTF-8": b'{"amount": "\xc0\xaf"}',
    "surrogate in UTF-8": b'{"amount": "\xed\xa0\x80"}',
    "byte order mark": '{"amount": 1}'.encode("utf-8-sig"),
    "UTF-16": '{"amount": 1}'.encode("utf-16"),
    "UTF-32": '{"amount": 1}'.encode("utf-32"),
    "lone surrogate": b'{"amount": "\\ud800"}',
    "lone surrogate in a key": b'{"amount": 1, "\\udfff": 1}',
    "lone surrogate in a list": b'{"amount": ["\\ud800"]}',
    "lone surrogate alone": b'"\\ud800"',
    "duplicate key": b'{"amount": 1, "amount": 1}',
    "duplicate key by escape": b'{"amount": 1, "\\u0061mount": 2}',
    "duplicate key inside": b'{"amount": {"x": {"y": 1, "y": 2}}}',
    "duplicate key in a list": b'{"amount": [{"y": 1, "y": 2}]}',
    "21 lists deep": b"[" * 21 + b"]" * 21,
    "21 objects deep": b'{"x":' * 21 + b"1" + b"}" * 21,
    "unclosed lists": b"[" * 60_000,
    "closed lists": b"[" * 32_000 + b"]" * 32_000,
    "unclosed objects": b'{"x":' * 10_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_body_that_is_not_json_is_malformed(http: Client, body: bytes) -> None:
    user = UserFactory()
    with nothing_written():
        answers = [http.send("POST", path, user=user, body=body, headers=JSON) for path in ENDPOINTS]
    assert {(answer.status, answer.code) for answer in answers} == {(400, "malformed")}


def test_body_nested_100_000_deep_is_refused_before_it_is_read(http: Client) -> None:
    assert charge(http, b"[" * 100_000 + b"]" * 100_000).code == "too_large"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 20 + b"]" * 20,
        b'{"amount": ' + b"[" * 19 + b"]" * 19 + b"}",
        b'{"amount": "' + b"[" * 50 + b'"}',
    ],
    ids=["20 lists", "20 mixed", "brackets in a text"],
)
def test_body_nested_20_deep_is_read(http: Client, body: bytes) -> None:
    assert charge(http, body).code == "invalid"


def test_body_that_hides_quotes_behind_backslashes_is_still_measured(http: Client) -> None:
    """Neither the escape nor the quote fools the depth count."""
    assert charge(http, b'{"amount": "\\\\", "x": ' + b"[" * 20 + b"]" * 20 + b"}").code == "malformed"


def test_characters_of_every_kind_in_an_unknown_field_are_named_back(http: Client) -> None:
    for name in ("🍎", "\u202eevil", "\x00", "<script>", "한글"):
        answer = charge(http, json.dumps({"amount": 1, name: 1}).encode())
        assert [error["pointer"] for error in answer.json["errors"]] == [f"/{name}"]


def test_refusals_leave_the_shop_as_it_was(http: Client) -> None:
    user, product = buyer(http, points=100), ProductFactory(price=10, stock=5)
    with nothing_written():
        for body in MALFORMED.values():
            http.send("POST", "orders", user=user, body=body, headers=JSON)
    assert http.order(user, {product.pk: 1}).json["balance_after"] == 90
