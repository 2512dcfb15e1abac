"""Demo data through the command, checked by what no order may create or lose."""

from collections import Counter
from io import StringIO
from threading import Barrier

import pytest
from django.core.management import call_command
from django.db.models import F, Model, Sum
from django.utils import timezone

from backoffice.refusals.models import Refusal
from coupons.models import Coupon, IssuedCoupon
from orders.models import Order, OrderEvent, OrderItem
from points.models import PointAccount, PointTransaction
from products.models import Product
from tests.kit.invariants import broken_rules
from tests.kit.scenes import at_once
from users.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = (User, Product, Coupon, IssuedCoupon, PointAccount, PointTransaction, Order, OrderItem, OrderEvent)


def seed_demo() -> str:
    said = StringIO()
    call_command("seed_demo", stdout=said)
    return said.getvalue()


def everything() -> dict[str, list[dict[str, object]]]:
    return {model.__name__: [*model._default_manager.order_by("pk").values()] for model in MODELS}


def test_demo_fills_an_empty_shop() -> None:
    assert "Added 20 users, 12 products, 3 coupons, 30 orders." in seed_demo()
    assert [User.objects.count(), Product.objects.count(), Order.objects.count()] == [20, 12, 30]
    assert len({*Product.objects.values_list("name", flat=True)}) == 12


def test_demo_has_a_fixed_a_capped_and_a_small_campaign() -> None:
    seed_demo()
    fixed, capped, small = Coupon.objects.order_by("pk")
    assert fixed.discount_type == Coupon.Type.FIXED
    assert (capped.discount_type, capped.max_discount) == (Coupon.Type.PERCENT, 3_000)
    assert 0 < small.remaining < small.quantity <= 10


def test_demo_conserves_points_units_and_coupons() -> None:
    seed_demo()
    for account in PointAccount.objects.all():
        ledger = PointTransaction.objects.filter(user_id=account.pk).aggregate(total=Sum("amount"))
        assert account.balance == ledger["total"]
    for product in Product.objects.all():
        sold = OrderItem.objects.filter(product=product).aggregate(total=Sum("quantity"))["total"]
        assert product.units_sold == (sold or 0)
    for coupon in Coupon.objects.all():
        assert coupon.issued == IssuedCoupon.objects.filter(coupon=coupon).count()
    used = IssuedCoupon.objects.exclude(used_at=None).count()
    assert used == Order.objects.filter(issued_coupon__isnull=False).count() > 0
    assert not Order.objects.exclude(total=F("subtotal") - F("discount")).exists()


def test_order_has_its_event() -> None:
    seed_demo()
    assert OrderEvent.objects.count() == 30


def test_second_demo_adds_nothing_and_says_so() -> None:
    seed_demo()
    before = everything()
    assert "Nothing was added" in seed_demo()
    assert everything() == before


@pytest.mark.parametrize("table", ["users", "products", "coupons"])
def test_demo_leaves_a_shop_with_rows_alone(table: str) -> None:
    {
        "users": lambda: User.objects.create(name="김하나"),
        "products": lambda: Product.objects.create(name="아메리카노", price=4500, stock=1),
        "coupons": lambda: Coupon.objects.create(
            name="오픈", discount_type="fixed", discount_value=1, quantity=1
        ),
    }[table]()
    before = everything()
    assert table in seed_demo()
    assert everything() == before


def test_demo_of_days_keeps_every_rule_and_has_each_state() -> None:
    said = StringIO()
    call_command("seed_demo", days=10, stdout=said)
    assert "Added 200 users, 12 products, 5 coupons, " in said.getvalue()
    assert call_command("audit", stdout=StringIO()) is None
    assert {*OrderEvent.objects.values_list("state", flat=True)} == {"pending", "dead"}
    assert "refused" in OrderEvent.objects.filter(state="dead").values_list("last_error", flat=True)[0]
    assert {*Refusal.objects.values_list("status", flat=True)} == {401, 409}
    assert Coupon.objects.filter(issued=F("quantity")).exists()
    assert Coupon.objects.filter(opens_at__gt=timezone.now()).exists()
    assert IssuedCoupon.objects.exclude(used_at=None).exists()


def test_demo_of_days_has_more_orders_in_the_evening_than_at_night() -> None:
    call_command("seed_demo", days=14, stdout=StringIO())
    hours = Counter(timezone.localtime(at).hour for at in Order.objects.values_list("ordered_at", flat=True))
    assert sum(hours[hour] for hour in range(18, 22)) > 3 * sum(hours[hour] for hour in range(8))
    assert Order.objects.latest("ordered_at").ordered_at <= timezone.now()


def test_demo_of_days_leaves_a_shop_with_rows_alone() -> None:
    UserFactory.create()
    before = everything()
    call_command("seed_demo", days=2, stdout=StringIO())
    assert everything() == before


@pytest.mark.parametrize(
    ("options", "table", "rows", "refusal"),
    [
        ({}, User, 20, "for there are users, products, coupons already"),
        ({"days": 2}, User, 200, "for there are users, products, coupons already"),
        ({"products": 200}, Product, 200, "for there are as many already"),
    ],
    ids=["a few", "a history", "up to a size"],
)
def test_demo_twice_at_once_is_added_once_and_the_other_says_why_not(
    options: dict[str, int], table: type[Model], rows: int, refusal: str
) -> None:
    begun = Barrier(2)

    def seed() -> str:
        said = StringIO()
        begun.wait()
        call_command("seed_demo", stdout=said, stderr=StringIO(), **options)
        return said.getvalue()

    added, nothing = sorted(at_once([seed, seed]))
    assert "Added" in added
    assert f"Nothing was added, {refusal}" in nothing
    assert table._default_manager.count() == rows
    assert broken_rules() == []
