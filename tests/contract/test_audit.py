"""manage.py audit finds every way in which the books can be wrong."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

import orders.services
from coupons.factories import CouponFactory
from coupons.services import issue
from orders.models import OrderEvent
from orders.services import Basket
from points.services import charge
from products.factories import ProductFactory
from tests.kit.database import execute
from tests.kit.events import body
from users.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop():
    """Two people who bought, one with a coupon."""
    products = ProductFactory.create_batch(3, stock=100, price=1000)
    coupon = CouponFactory()
    for user in UserFactory.create_batch(2):
        charge(user_id=user.pk, amount=50_000)
        issued = issue(user_id=user.pk, coupon_id=coupon.pk)
        for product in products:
            orders.services.checkout(basket=Basket(user.pk, {product.pk: 2}))
    orders.services.checkout(basket=Basket(user.pk, {products[0].pk: 1, products[1].pk: 2}, issued.pk))


def audit(**options) -> tuple[int, dict[str, list[str]]]:
    """The exit code, and examples of what breaks each rule."""
    out, code = StringIO(), 0
    try:
        call_command("audit", json=True, stdout=out, **options)
    except SystemExit as stop:
        code = stop.code
    findings = json.loads(out.getvalue())
    return code, {each["rule"]: each["examples"] for each in findings if each["violations"]}


def test_shop_that_only_took_requests_is_clean(shop):
    assert audit() == (0, {})


@pytest.mark.parametrize(
    ("tampering", "rule"),
    [
        ("UPDATE points_pointaccount SET balance = balance + 1", "balance_equals_ledger"),
        (
            "UPDATE products_product SET units_sold = units_sold + 1",
            "units_sold_equal_lines",
        ),
        (
            "UPDATE coupons_coupon SET issued = issued + 1",
            "issued_equals_coupons",
        ),
        (
            "UPDATE coupons_issuedcoupon SET sequence = sequence + 1 WHERE sequence = 2",
            "issued_equals_coupons",
        ),
        (
            "UPDATE coupons_issuedcoupon SET used_at = now() WHERE used_at IS NULL",
            "used_coupon_has_one_order",
        ),
        (
            "UPDATE coupons_issuedcoupon SET used_at = NULL",
            "used_coupon_has_one_order",
        ),
        (
            "UPDATE orders_order SET subtotal = subtotal + 1, discount = discount + 1",
            "subtotal_equals_lines",
        ),
        ("DELETE FROM orders_orderitem", "subtotal_equals_lines"),
        (
            "UPDATE orders_order SET total = total - 1, discount = discount + 1 WHERE total > 0",
            "payment_equals_total",
        ),
        ("DELETE FROM orders_orderevent", "order_has_event"),
    ],
)
def test_planted_violation_is_found(shop, tampering, rule):
    execute(tampering)
    code, broken = audit()
    assert code == 1
    assert broken[rule]


def test_lost_or_foreign_payment_is_found_though_the_ledger_resists(shop):
    execute("ALTER TABLE points_pointtransaction DISABLE TRIGGER USER")
    execute("DELETE FROM points_pointtransaction WHERE type = 'payment'")
    execute("ALTER TABLE points_pointtransaction ENABLE TRIGGER USER")
    code, broken = audit()
    assert code == 1
    assert {"balance_equals_ledger", "payment_equals_total"} <= broken.keys()


def test_ledger_without_an_account_is_found(shop):
    execute("DELETE FROM points_pointaccount")
    assert len(audit()[1]["ledger_has_account"]) == 2


def test_ranking_that_is_no_recount_is_found(shop):
    execute("UPDATE orders_order SET ordered_at = ordered_at - interval '3 hours'")
    call_command("recompute_rankings", stdout=StringIO())
    assert audit() == (0, {})
    execute("UPDATE rankings_productsales SET units = units + 1")
    code, broken = audit()
    assert code == 1
    assert broken.keys() == {"stored_sales_equal_lines", "ranking_equals_lines"}


def test_events_that_the_platform_has_are_compared_with_the_outbox(shop, tmp_path: Path):
    file = tmp_path / "events.jsonl"
    first, second, *_ = OrderEvent.objects.all()
    file.write_bytes(body(first) + b"\n")
    OrderEvent.objects.filter(pk=first.pk).update(state="delivered", delivered_at="2026-01-01T00:00Z")
    assert audit(events=file) == (0, {})
    OrderEvent.objects.filter(pk=second.pk).update(state="delivered", delivered_at="2026-01-01T00:00Z")
    assert audit(events=file)[1] == {
        "delivered_equals_received": [f"event {second.pk}: delivered but not received"]
    }


def test_event_that_was_never_written_is_found(shop, tmp_path: Path):
    file = tmp_path / "events.jsonl"
    file.write_text('{"id": "00000000-0000-4000-8000-000000000000"}\n')
    assert "received but never written" in audit(events=file)[1]["delivered_equals_received"][0]


@pytest.mark.parametrize("name", ["missing", ".", "junk"])
@pytest.mark.parametrize("option", ["events", "forgotten"])
def test_audit_with_a_file_that_is_not_the_platform_s_says_so_and_ends_with_2(tmp_path: Path, option, name):
    (tmp_path / "events.jsonl").touch()
    (tmp_path / "junk").write_bytes(b"\xff\n")
    with pytest.raises(CommandError, match=r"^Nothing was checked: .*") as refused:
        call_command("audit", **{"events": tmp_path / "events.jsonl", option: tmp_path / name})
    assert (refused.value.returncode, str(refused.value).count("\n")) == (2, 0)


def test_table_names_each_rule_and_its_first_violations(shop):
    execute("UPDATE points_pointaccount SET balance = balance + 1")
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("audit", stdout=out)
    assert "balance_equals_ledger" in out.getvalue()
    assert "balance 44001, ledger 44000" in out.getvalue()
