"""A thousand people at the same moment. The controls let the database lose one update, and it is noticed."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.faults.rush import Wish, rush
from tests.kit.client import Answer
from tests.kit.database import broken, execute
from tests.kit.invariants import broken_rules
from tests.kit.shop import Shop
from users.factories import UserFactory
from users.models import User

FORGETTING = """
CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;
CREATE TRIGGER forget BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION forget()"""
REMEMBERING = "DROP FUNCTION forget CASCADE"


@contextmanager
def one_update_lost(table: str, *, when: str) -> Iterator[None]:
    """Inside the block the update that fits the condition is answered as done, and changes nothing."""
    with broken(FORGETTING.format(table=table, when=when), REMEMBERING):
        yield


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def test_issue_to_1000_users_asking_twice_for_100_coupons_gives_exactly_100(shop: Shop) -> None:
    campaign, users = CouponFactory(quantity=100), UserFactory.create_batch(1000)
    answers = rush(shop.http.url, [Wish(user.pk, f"coupons/{campaign.pk}/issue") for user in users * 2])
    assert statuses(answers) == {201: 100, 409: 1900}
    assert not_handed_out_properly(answers, quantity=100) == []
    refusals = {answer.code for answer in answers if answer.status == 409}
    assert refusals == {"coupon_sold_out", "coupon_already_issued"}
    assert shop.http.get(f"coupons/{campaign.pk}").json["remaining"] == 0
    assert broken_rules() == []


def test_coupon_issued_and_not_counted_would_be_noticed(shop: Shop) -> None:
    campaign, users = CouponFactory(quantity=20), UserFactory.create_batch(40)
    with one_update_lost("coupons_coupon", when="OLD.issued = 10"):
        answers = rush(shop.http.url, [Wish(user.pk, f"coupons/{campaign.pk}/issue") for user in users])
    assert not_handed_out_properly(answers, quantity=20)
    assert 500 in statuses(answers)


def not_handed_out_properly(answers: list[Answer], *, quantity: int) -> list[str]:
    """What is wrong with the coupons that people were given."""
    given = [answer.json for answer in answers if answer.status == 201]
    places = sorted(coupon["sequence"] for coupon in given)
    wrong = [] if places == list(range(1, quantity + 1)) else [f"places {places}"]
    return wrong + ([] if len({coupon["id"] for coupon in given}) == quantity else ["not all distinct"])


def test_first_charges_1000_at_once_without_an_account_all_succeed(shop: Shop) -> None:
    user = UserFactory()
    answers = rush(shop.http.url, [Wish(user.pk, "points/charges", {"amount": 7})] * 1000)
    assert statuses(answers) == {201: 1000}
    assert sorted(answer.json["balance_after"] for answer in answers) == list(range(7, 7_001, 7))
    assert shop.http.get("points", user=user).json["balance"] == 7_000
    assert broken_rules() == []


def test_charge_acknowledged_and_not_credited_would_be_noticed(shop: Shop) -> None:
    user = UserFactory()
    with one_update_lost("points_pointaccount", when="OLD.balance = 70"):
        answers = rush(shop.http.url, [Wish(user.pk, "points/charges", {"amount": 7})] * 50)
    assert statuses(answers) == {201: 50}
    assert sorted(answer.json["balance_after"] for answer in answers) != list(range(7, 351, 7))
    assert broken_rules()
    forget_charges_of(user)


def forget_charges_of(user: User) -> None:
    """Tidy up what no operator could."""
    execute("ALTER TABLE points_pointtransaction DISABLE TRIGGER ALL")
    execute("DELETE FROM points_pointtransaction WHERE user_id = %s", user.pk)
    execute("ALTER TABLE points_pointtransaction ENABLE TRIGGER ALL")
    execute("DELETE FROM points_pointaccount WHERE user_id = %s", user.pk)


def test_orders_of_1000_buyers_for_10_units_are_10(shop: Shop) -> None:
    product, wishes = ProductFactory(price=10, stock=10), []
    for user in UserFactory.create_batch(1000):
        basket = {"items": [{"product_id": product.pk, "quantity": 1}]}
        wishes += [Wish(user.pk, "points/charges", {"amount": 10}), Wish(user.pk, "orders", basket)]
    assert statuses(rush(shop.http.url, wishes[::2])) == {201: 1000}
    answers = rush(shop.http.url, wishes[1::2])
    assert statuses(answers) == {201: 10, 409: 990}
    assert {answer.code for answer in answers if answer.status == 409} == {"out_of_stock"}
    assert execute("SELECT stock, units_sold FROM products_product WHERE id = %s", product.pk) == [(0, 10)]
    assert broken_rules(stock={product.pk: 10}) == []


def test_unit_sold_and_not_taken_would_be_noticed(shop: Shop) -> None:
    product, user = ProductFactory(price=1, stock=10), UserFactory()
    assert shop.http.charge(user, 100).status == 201
    basket = {"items": [{"product_id": product.pk, "quantity": 1}]}
    with one_update_lost("products_product", when="OLD.stock = 5"):
        answers = rush(shop.http.url, [Wish(user.pk, "orders", basket)] * 20)
    assert statuses(answers)[201] > 10
    assert broken_rules(stock={product.pk: 10})
    sold = statuses(answers)[201]
    execute("UPDATE products_product SET units_sold = %s WHERE id = %s", sold, product.pk)
