"""`seed_demo --users N …`: a shop brought up to a size, through the services, and never beyond it."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from coupons.models import Coupon
from orders.models import Order
from orders.services import Basket, checkout
from points.services import charge
from products.models import Product
from tests.kit.invariants import broken_rules
from users.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = {"users": 30, "products": 15, "coupons": 4, "orders": 12}


def seed_demo(**sizes) -> str:
    said = StringIO()
    call_command("seed_demo", stdout=said, **sizes)
    return said.getvalue()


def counts() -> dict[str, int]:
    models = {"users": User, "products": Product, "coupons": Coupon, "orders": Order}
    return {name: model.objects.count() for name, model in models.items()}


def test_tables_are_filled_up_to_their_sizes_and_the_audit_is_clean():
    assert "30 users, 15 products, 4 coupons, 12 orders" in seed_demo(**SIZES)
    assert counts() == SIZES
    assert broken_rules() == []
    assert Product.objects.values("name").distinct().count() == 15
    assert set(Coupon.objects.values_list("discount_type", flat=True)) == {"fixed", "percent"}


def test_demo_growth_again_adds_nothing():
    seed_demo(**SIZES)
    assert "Nothing was added" in seed_demo(**SIZES)
    assert counts() == SIZES


def test_demo_growth_adds_the_difference_and_takes_nothing_away():
    seed_demo(**SIZES)
    seed_demo(products=40, users=5)
    assert counts() == SIZES | {"products": 40}
    assert Product.objects.values("name").distinct().count() == 40


def test_rows_that_exist_count_and_stay_as_they_are():
    member, product = UserFactory(), Product.objects.create(name="x", price=1, stock=1)
    seed_demo(users=3, products=2)
    assert counts() == {"users": 3, "products": 2, "coupons": 0, "orders": 0}
    assert User.objects.get(pk=member.pk).name == member.name
    assert Product.objects.get(pk=product.pk).stock == 1


def test_orders_without_anybody_to_place_them_are_refused_in_words():
    with pytest.raises(CommandError, match="--users"):
        seed_demo(orders=1)


def test_demo_growth_restocks_and_charges_where_orders_need_it():
    UserFactory()
    product = Product.objects.create(name="x", price=10_000_000, stock=0)
    seed_demo(orders=3)
    product.refresh_from_db()
    assert product.units_sold >= 3
    assert broken_rules() == []


@pytest.mark.parametrize("size", ["-1", "1.5", "１２", "1_000", "100001", "x", "9" * 30])
def test_size_that_is_no_number_within_bounds_is_refused(size):
    with pytest.raises(CommandError, match="100,000"):
        call_command("seed_demo", f"--orders={size}")


def test_demo_growth_works_beside_live_traffic():
    seed_demo(users=2, products=2)
    user, products = User.objects.first(), [*Product.objects.values_list("pk", flat=True)]
    Product.objects.update(stock=1_000)
    charge(user_id=user.pk, amount=10_000_000)

    def live(_turn: int) -> None:
        try:
            checkout(basket=Basket(user.pk, dict.fromkeys(products, 1)))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(live, turn) for turn in range(20)]
        seed_demo(orders=20)
    assert all(other.result() is None for other in others)
    assert Order.objects.count() >= 20
    assert broken_rules() == []


def test_progress_bar_is_not_written_to_a_log(capsys):
    seed_demo(users=5)
    assert capsys.readouterr().err == ""
