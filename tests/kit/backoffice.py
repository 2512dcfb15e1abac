"""A shop with a purchase, and pages of the admin that are opened and saved."""

from django.urls import reverse

import orders.services
from coupons.factories import CouponFactory
from coupons.services import issue
from orders.services import Basket
from points.services import charge
from products.factories import ProductFactory
from users.factories import UserFactory


def buy(*, name="김하나"):
    """Somebody charges, takes a coupon and buys."""
    user, product, coupon = UserFactory(name=name), ProductFactory(price=1000, stock=10), CouponFactory()
    charge(user_id=user.pk, amount=12_000)
    issued = issue(user_id=user.pk, coupon_id=coupon.pk)
    orders.services.checkout(basket=Basket(user.pk, {product.pk: 2}, issued.pk))
    return product


def page_of(instance, page="change"):
    return reverse(f"admin:{instance._meta.db_table}_{page}", args=[instance.pk])


def change(browser, instance, **fields):
    return browser.post(page_of(instance), fields)
