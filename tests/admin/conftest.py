"""What the tests of the admin share: a shop where somebody bought, and how pages are opened and saved."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
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


@pytest.fixture
def bought(transactional_db):
    """The product that somebody bought."""
    return buy()


@pytest.fixture
def staff_of(db, client):
    """A browser in which a staff account with the role is signed in."""
    import_module("backoffice.migrations.0001_roles").make_roles(apps, None)

    def signed_in(role):
        account = User.objects.create_user(role, is_staff=True)
        account.groups.add(Group.objects.get(name=role))
        client.force_login(account)
        return client

    return signed_in


def page_of(instance, page="change"):
    return reverse(f"admin:{instance._meta.db_table}_{page}", args=[instance.pk])


def change(browser, instance, **fields):
    return browser.post(page_of(instance), fields)
