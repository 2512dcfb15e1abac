"""Who waits for whom: rows held by the test's own transaction, the shop asked over HTTP."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from coupons.factories import CouponFactory
from coupons.services import Closed, close_now
from products.factories import ProductFactory
from tests.kit import processes
from tests.kit.client import Answer, Client
from tests.kit.database import broken, contents, database_clock, execute, held, lock_waiters
from tests.kit.faults import commits_held
from tests.kit.invariants import broken_rules
from tests.kit.scenes import at_once, buyer
from users.factories import UserFactory


def assert_busy(answer: Answer) -> None:
    assert (answer.status, answer.code) == (503, "busy")
    assert int(answer.headers["Retry-After"]) >= 1


def test_account_that_is_locked_delays_no_other_user(http: Client) -> None:
    """Were they to wait for the held row, they would be answered busy."""
    held_up, other = buyer(http), buyer(http)
    product = ProductFactory(price=1)
    with held("points_pointaccount", "user_id", held_up.pk):
        assert http.charge(other, 1).status == 201
        assert http.order(other, {product.pk: 1}).status == 201
        assert http.get("points", user=held_up).status == 200
        assert http.get("points/transactions", user=held_up).status == 200
    assert broken_rules() == []


def test_product_that_is_locked_delays_no_other_product(http: Client) -> None:
    user = buyer(http)
    held_up, other = ProductFactory.create_batch(2, price=1)
    with held("products_product", "id", held_up.pk):
        assert http.order(user, {other.pk: 1}).status == 201
        assert http.get(f"products/{held_up.pk}").status == 200
        assert (
            http.post(
                "orders/quote", {"items": [{"product_id": held_up.pk, "quantity": 1}]}, user=user
            ).status
            == 200
        )
    assert broken_rules() == []


def test_lock_timeout_answers_busy_and_a_retry_succeeds(http: Client) -> None:
    user, shopper, member = buyer(http), buyer(http), buyer(http)
    product, campaign = ProductFactory(price=1), CouponFactory()
    calls = [
        lambda: http.charge(user, 1, key="k"),
        lambda: http.order(shopper, {product.pk: 1}, key="k"),
        lambda: http.post(f"coupons/{campaign.pk}/issue", user=member),
    ]
    before = contents()
    with (
        held("points_pointaccount", "user_id", user.pk),
        held("products_product", "id", product.pk),
        held("coupons_coupon", "id", campaign.pk),
    ):
        answers = at_once(calls)
    for answer in answers:
        assert_busy(answer)
    assert contents() == before
    assert [call().status for call in calls] == [201, 201, 201]
    assert broken_rules() == []


@pytest.mark.parametrize("key", [None, "k"])
def test_request_that_waits_for_a_row_goes_on_once_it_is_free(http: Client, key: str | None) -> None:
    """The row is freed as soon as the charge is seen waiting for it."""
    user = buyer(http, points=5)
    with ThreadPoolExecutor(1) as pool:
        with held("points_pointaccount", "user_id", user.pk):
            waiting = pool.submit(http.charge, user, 10, key=key)
            processes.until(lock_waiters)
        assert waiting.result().json["balance_after"] == 15


def issue_while(http: Client, coupon: int, change: str) -> Answer:
    """What a caller is answered who waits for the campaign while an operator changes it."""
    user = buyer(http, points=0)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            execute(f"UPDATE coupons_coupon SET {change} WHERE id = %s", coupon)
            waiting = pool.submit(http.post, f"coupons/{coupon}/issue", user=user)
            processes.until(lock_waiters)
        return waiting.result()


def test_issue_that_waits_for_a_campaign_gets_the_terms_of_then(http: Client) -> None:
    campaign = CouponFactory(discount_value=50)
    issued = issue_while(http, campaign.pk, "discount_value = 10, name = 'new'").json
    assert (issued["discount_value"], issued["name"], issued["sequence"]) == (10, "new", 1)


def test_issue_that_waits_for_a_campaign_that_closes_is_refused(http: Client) -> None:
    campaign = CouponFactory()
    assert issue_while(http, campaign.pk, "closes_at = now()").code == "coupon_not_open"
    assert execute("SELECT issued FROM coupons_coupon") == [(0,)]
    assert broken_rules() == []


def test_issue_that_waits_for_a_campaign_that_is_closed_now_is_refused(http: Client) -> None:
    campaign, user = CouponFactory(), UserFactory()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            close_now(coupon_ids=[campaign.pk])
            waiting = pool.submit(http.post, f"coupons/{campaign.pk}/issue", user=user)
            processes.until(lock_waiters)
        assert waiting.result().code == "coupon_not_open"
    assert broken_rules() == []


def test_closing_that_waits_for_an_issue_closes_later_than_that(http: Client) -> None:
    """It reads the clock once it has the row: an issue that came before it has a time before."""
    campaign = CouponFactory()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            execute("UPDATE coupons_coupon SET issued = issued")
            waiting = pool.submit(close_in_a_session_of_its_own, campaign.pk)
            processes.until(lock_waiters)
            issued_at = database_clock()
        (closed,) = waiting.result()
    assert closed.closed_at > issued_at


def close_in_a_session_of_its_own(coupon_id: int) -> list[Closed]:
    try:
        with transaction.atomic():
            return close_now(coupon_ids=[coupon_id])
    finally:
        connection.close()


def test_order_that_waits_for_a_product_pays_the_price_of_its_look(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=100, stock=5)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            execute("UPDATE products_product SET price = 70")
            waiting = pool.submit(http.order, user, {product.pk: 2})
            processes.until(lock_waiters)
        order = waiting.result().json
    assert (order["items"][0]["unit_price"], order["total"]) == (100, 200)
    assert broken_rules(stock={product.pk: 5}) == []


def test_order_that_waits_for_a_product_that_is_deleted_is_not_found(http: Client) -> None:
    user, (kept, gone) = buyer(http), ProductFactory.create_batch(2, stock=5)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            execute("DELETE FROM products_product WHERE id = %s", gone.pk)
            waiting = pool.submit(http.order, user, {kept.pk: 1, gone.pk: 1})
            processes.until(lock_waiters)
        assert waiting.result().json["product_ids"] == [gone.pk]
    assert broken_rules(stock={kept.pk: 5}) == []


def test_coupon_is_not_sold_out_while_the_last_may_still_be_rolled_back(http: Client) -> None:
    campaign, user = CouponFactory(quantity=1), buyer(http, points=0)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        execute("UPDATE coupons_coupon SET issued = issued + 1")
        waiting = pool.submit(http.post, f"coupons/{campaign.pk}/issue", user=user)
        processes.until(lock_waiters)
        transaction.set_rollback(True)
    assert waiting.result().json["sequence"] == 1
    assert broken_rules() == []


def test_coupon_is_sold_out_once_the_last_is_committed(http: Client) -> None:
    campaign = CouponFactory(quantity=1)
    assert issue_while(http, campaign.pk, "issued = issued + 1").code == "coupon_sold_out"


def test_issue_asked_twice_at_once_for_the_last_coupon_says_already_issued(http: Client) -> None:
    campaign, user = CouponFactory(quantity=1), buyer(http, points=0)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            execute("UPDATE coupons_coupon SET issued = issued + 1")
            ((first,),) = execute(
                "INSERT INTO coupons_issuedcoupon (coupon_id, user_id, sequence, name, discount_type,"
                " discount_value, expires_at) SELECT id, %s, 1, name, discount_type, discount_value,"
                " now() + interval '30 days' FROM coupons_coupon RETURNING id",
                user.pk,
            )
            second = pool.submit(http.post, f"coupons/{campaign.pk}/issue", user=user)
            processes.until(lock_waiters)
        assert second.result().code == "coupon_already_issued"
    assert second.result().json["issued_coupon_id"] == first
    assert broken_rules() == []


FIRST_UNDER_WAY = pytest.mark.parametrize("price", [0, 1], ids=["waits for the key", "waits for the account"])


@FIRST_UNDER_WAY
def test_duplicate_of_a_request_under_way_replays_it_once_done(http: Client, price: int) -> None:
    user, product = buyer(http, points=1), ProductFactory(price=price, stock=1)
    with ThreadPoolExecutor(2) as pool:
        with commits_held(user):
            first = pool.submit(http.order, user, {product.pk: 1}, key="k")
            processes.until(lambda: len(lock_waiters()) == 1)
            second = pool.submit(http.order, user, {product.pk: 1}, key="k")
            processes.until(lambda: len(lock_waiters()) == 2)
        answers = [first.result(), second.result()]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].body == answers[1].body
    assert ["Idempotent-Replayed" in answer.headers for answer in answers] == [False, True]
    assert broken_rules(stock={product.pk: 1}) == []


@FIRST_UNDER_WAY
def test_duplicate_of_a_request_that_takes_too_long_is_busy(http: Client, price: int) -> None:
    user, product = buyer(http, points=1), ProductFactory(price=price, stock=1)
    with ThreadPoolExecutor(1) as pool, commits_held(user):
        first = pool.submit(http.order, user, {product.pk: 1}, key="k")
        processes.until(lock_waiters)
        assert_busy(http.order(user, {product.pk: 1}, key="k"))
    assert first.result().status == 201
    assert http.order(user, {product.pk: 1}, key="k").headers["Idempotent-Replayed"] == "true"


BOUNDS = (
    "lock_timeout",
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "client_connection_check_interval",
    "transaction_isolation",
)
NOTING_BOUNDS = f"""
CREATE TABLE noted (place text, bounds text[]);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted VALUES
        (TG_TABLE_NAME, ARRAY[{", ".join(f"current_setting('{name}')" for name in BOUNDS)}]);
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON orders_order FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT ON points_pointtransaction FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT ON coupons_issuedcoupon FOR EACH ROW EXECUTE FUNCTION note()"""
NOTING_NO_MORE = "DROP FUNCTION note CASCADE; DROP TABLE noted"


def test_writes_wait_3_seconds_for_a_lock_and_15_for_a_statement(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    with broken(NOTING_BOUNDS, NOTING_NO_MORE):
        assert http.charge(user, 1).status == 201
        assert http.post(f"coupons/{CouponFactory().pk}/issue", user=user).status == 201
        assert http.order(user, {product.pk: 1}).status == 201
        noted = execute("SELECT DISTINCT place, bounds FROM noted ORDER BY place")
    places = ("coupons_issuedcoupon", "orders_order", "points_pointtransaction")
    assert noted == [(place, ["3s", "15s", "15s", "10ms", "read committed"]) for place in places]
