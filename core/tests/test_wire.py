"""What every answer looks like: no-store, moments, numbers, request ids."""

import json
import re
from typing import Any

import pytest

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.scenes import MAX_BIGINT, buyer, hold_coupon
from users.factories import UserFactory

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+09:00")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("products", 200),
        ("products/1", 404),
        ("points", 401),
        ("rankings/products", 200),
        ("products?page_size=0", 400),
        ("nothing", 404),
        ("/api/nothing", 404),
        ("/api/schema", 200),
        ("/api/docs", 200),
    ],
)
def test_response_of_the_api_may_not_be_stored(site: Client, path: str, status: int) -> None:
    answer = site.get(path)
    assert (answer.status, answer.headers["Cache-Control"]) == (status, "no-store")


def test_response_to_a_write_may_not_be_stored(http: Client) -> None:
    user = UserFactory()
    answers = [http.charge(user, 1), http.charge(user, 0), http.charge(user, MAX_BIGINT), http.charge(0, 1)]
    assert [answer.status for answer in answers] == [201, 400, 409, 401]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


def test_timestamps_are_in_seoul_with_six_digits(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    coupon = hold_coupon(http, user, opens_at="2026-01-31T15:00:00Z", closes_at="2999-12-31T15:00:00Z")
    order = http.order(user, {product.pk: 1}, issued_coupon_id=coupon["id"]).json
    execute("UPDATE orders_order SET ordered_at = '2026-01-31 15:00:00+00'")
    execute(
        "UPDATE coupons_issuedcoupon SET issued_at = '2026-01-31 15:00:00+00',"
        " expires_at = '2026-03-02 15:00:00+00', used_at = '2026-02-28 23:30:00.5-05'"
    )
    assert (
        http.get(f"orders/{order['id']}", user=user).json["ordered_at"] == "2026-02-01T00:00:00.000000+09:00"
    )
    held = http.get(f"issued-coupons/{coupon['id']}", user=user).json
    assert held["issued_at"] == "2026-02-01T00:00:00.000000+09:00"
    assert held["expires_at"] == "2026-03-03T00:00:00.000000+09:00"
    assert held["used_at"] == "2026-03-01T13:30:00.500000+09:00"
    assert http.get("coupons").json["results"][0]["closes_at"] == "3000-01-01T00:00:00.000000+09:00"


def test_timestamp_of_every_endpoint_has_that_form(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    coupon = hold_coupon(http, user)
    placed = http.order(user, {product.pk: 1}, issued_coupon_id=coupon["id"]).json
    ledger = http.get("points/transactions", user=user).json["results"]
    ranking = http.get("rankings/products").json
    moments = [
        placed["ordered_at"],
        coupon["issued_at"],
        coupon["expires_at"],
        ranking["from"],
        ranking["to"],
    ]
    moments += [ranking["as_of"], *(line["created_at"] for line in ledger)]
    assert [moment for moment in moments if not MOMENT.fullmatch(moment)] == []


def test_not_open_refusal_says_when_the_campaign_opens(http: Client) -> None:
    campaign = CouponFactory(opens_at="2998-12-31T15:00:00Z")
    refused = http.post(f"coupons/{campaign.pk}/issue", user=UserFactory()).json
    assert (refused["opens_at"], refused["closes_at"]) == ("2999-01-01T00:00:00.000000+09:00", None)


def test_number_is_a_json_integer_however_large(http: Client) -> None:
    user, product = UserFactory(), ProductFactory(price=MAX_BIGINT - 1, stock=MAX_BIGINT)
    answers = [http.charge(user, MAX_BIGINT), http.order(user, {product.pk: 1})]
    answers += [http.get(path, user=user) for path in ("products", "points", "orders", "rankings/products")]
    for answer in answers:
        assert answer.status in {200, 201}
        json.loads(answer.body, parse_float=pytest.fail)
    assert answers[2].json["results"][0]["price"] == MAX_BIGINT - 1
    assert answers[3].json["balance"] == 1
    assert answers[5].json["results"][0]["sales_amount"] == MAX_BIGINT - 1


def test_names_are_given_as_they_are(http: Client) -> None:
    name = "<script>alert('한글 🍎 \u202e')</script>"
    assert http.get(f"products/{ProductFactory(name=name).pk}").json["name"] == name


ECHOED = ("a", "A-z_0", "x" * 64)
REPLACED = ("", "x" * 65, "a b", "a.b", "a/b", "é", "a\tb", "１", "<script>", '"quoted"', "a,b")


@pytest.mark.parametrize("given", ECHOED)
def test_request_id_is_echoed_and_stands_in_the_error(site: Client, given: str) -> None:
    headers = {"X-Request-Id": given}
    assert site.get("products", headers=headers).headers["X-Request-Id"] == given
    refused = site.get("nothing", headers=headers)
    assert (refused.headers["X-Request-Id"], refused.json["request_id"]) == (given, given)


@pytest.mark.parametrize("given", REPLACED)
def test_request_id_out_of_bounds_is_replaced(site: Client, given: str) -> None:
    refused = site.get("nothing", headers={"X-Request-Id": given.encode().decode("latin-1")})
    made = refused.headers["X-Request-Id"]
    assert made not in {given, ""}
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", made)
    assert refused.json["request_id"] == made


def test_request_without_an_id_gets_its_own(site: Client) -> None:
    assert (
        len({site.get(path).headers["X-Request-Id"] for path in ("/livez", "/", "products", "nothing")}) == 4
    )


@pytest.mark.parametrize("path", ["products", "points", "/nothing", "/livez"])
def test_response_always_has_a_request_id(site: Client, path: str) -> None:
    answer: Any = site.send("HEAD", path, headers={"X-Request-Id": "mine"})
    assert answer.headers["X-Request-Id"] == "mine"


def test_request_id_stands_in_the_log_and_cannot_forge_a_line(site: Client, logs: Any) -> None:
    site.get("/nothing%0A%7B%22forged%22%3A1%7D", headers={"X-Request-Id": "log-me"})
    lines = [json.loads(line) for line in (logs / "web.log").read_text().splitlines() if "log-me" in line]
    assert [line["path"] for line in lines if line.get("event") == "request"] == ['/nothing\n{"forged":1}']


def test_missing_asset_is_a_problem_with_a_request_id_too(http: Client) -> None:
    assert http.get("/static/nope", headers={"X-Request-Id": "mine"}).code == "not_found"
    assert http.get("/static/nope", headers={"X-Request-Id": "mine"}).json["request_id"] == "mine"
