"""Points over HTTP: balance, charges and the ledger."""

import pytest

from products.factories import ProductFactory
from tests.kit.client import JSON, Client
from tests.kit.database import execute, nothing_written
from tests.kit.scenes import MAX_BIGINT, buyer, hold_coupon
from users.factories import UserFactory

LINE = {"id", "type", "amount", "balance_after", "order_id", "created_at"}


def balance(http: Client, user: object) -> int:
    return int(http.get("points", user=user).json["balance"])


def test_balance_of_a_user_who_never_charged_is_0(http: Client) -> None:
    user = UserFactory()
    with nothing_written():
        assert http.get("points", user=user).json == {"user_id": user.pk, "balance": 0}


def test_charge_credits_the_caller(http: Client) -> None:
    user = UserFactory()
    answer = http.charge(user, 10_000)
    assert answer.status == 201
    assert set(answer.json) == LINE
    made = {name: answer.json[name] for name in LINE - {"id", "created_at"}}
    assert made == {"type": "charge", "amount": 10_000, "balance_after": 10_000, "order_id": None}
    assert http.get("points", user=user).json == {"user_id": user.pk, "balance": 10_000}


def test_charge_has_no_location(http: Client) -> None:
    assert "Location" not in http.charge(UserFactory(), 1).headers


def test_charges_add_up(http: Client) -> None:
    user = UserFactory()
    after = [http.charge(user, amount).json["balance_after"] for amount in (1, 10, 100)]
    assert after == [1, 11, 111]
    assert balance(http, user) == 111


def test_charge_credits_nobody_else(http: Client) -> None:
    user, other = buyer(http, points=5), buyer(http, points=7)
    http.charge(user, 10)
    assert (balance(http, user), balance(http, other)) == (15, 7)


def test_charge_of_1_is_the_smallest(http: Client) -> None:
    assert http.charge(UserFactory(), 1).json["balance_after"] == 1


def test_balance_reaches_its_bound_exactly_and_never_passes_it(http: Client) -> None:
    user = UserFactory()
    assert http.charge(user, MAX_BIGINT - 1).status == 201
    with nothing_written():
        assert http.charge(user, 2).code == "balance_overflow"
    assert http.charge(user, 1).json["balance_after"] == MAX_BIGINT
    with nothing_written():
        answer = http.charge(user, 1)
    assert (answer.status, answer.code) == (409, "balance_overflow")


@pytest.mark.parametrize("amount", [str(MAX_BIGINT + 1), "9" * 20, "9" * 5_000, "9" * 65_000])
def test_amount_of_any_number_of_digits_is_well_formed(http: Client, amount: str) -> None:
    user = UserFactory()
    body = f'{{"amount": {amount}}}'.encode()
    with nothing_written():
        answer = http.send("POST", "points/charges", user=user, body=body, headers=JSON)
    assert (answer.status, answer.code) == (409, "balance_overflow")


def test_ledger_shows_charges_and_payments_newest_first(http: Client) -> None:
    user, product = buyer(http, points=100), ProductFactory(price=30)
    order = http.order(user, {product.pk: 2}).json
    http.charge(user, 5)
    lines = http.get("points/transactions", user=user).json["results"]
    assert {frozenset(line) for line in lines} == {frozenset(LINE)}
    told = [(line["type"], line["amount"], line["balance_after"], line["order_id"]) for line in lines]
    assert told == [("charge", 5, 45, None), ("payment", -60, 40, order["id"]), ("charge", 100, 100, None)]


def test_order_of_nothing_to_pay_is_not_in_the_ledger(http: Client) -> None:
    user, product = buyer(http, points=0), ProductFactory(price=30)
    coupon = hold_coupon(http, user, discount_value=100)
    assert http.order(user, {product.pk: 1}, issued_coupon_id=coupon["id"]).json["balance_after"] == 0
    assert http.get("points/transactions", user=user).json["results"] == []


def test_ledger_shows_the_caller_s_own_entries(http: Client) -> None:
    user, other = buyer(http, points=5), UserFactory()
    assert len(http.get("points/transactions", user=user).json["results"]) == 1
    assert http.get("points/transactions", user=other).json["results"] == []


def test_balance_put_in_by_sql_counts_at_once(http: Client) -> None:
    user = UserFactory()
    execute("INSERT INTO points_pointaccount (user_id, balance) VALUES (%s, 50)", user.pk)
    assert balance(http, user) == 50
    assert http.charge(user, 1).json["balance_after"] == 51
