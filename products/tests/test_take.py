"""Taking stock by hand, beside the same written with the ORM."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from hypothesis import given, settings
from hypothesis import strategies as st

from api.transactions import violated_constraint
from products.factories import ProductFactory
from products.models import Product
from products.services import GUARD

# Of each line: the stock there is, the units wanted, and how the price moved since it was read.
LINES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from([0, 0, 0, 1])), min_size=1, max_size=4
)
Wanted = dict[int, int]


def take_by_hand(*, quantities: Wanted, prices: Wanted) -> bool:
    """Whether the guard lets it be taken."""
    try:
        with transaction.atomic():
            Product.objects.take(quantities=quantities, prices=prices)
    except IntegrityError as error:
        if violated_constraint(error) != GUARD:
            raise
        return False
    return True


def take_with_the_orm(*, quantities: Wanted, prices: Wanted) -> bool:
    """A guarded update for each product, by id."""
    for pk, quantity in sorted(quantities.items()):
        unchanged = Product.objects.filter(pk=pk, stock__gte=quantity, price=prices[pk])
        if not unchanged.update(stock=F("stock") - quantity, units_sold=F("units_sold") + quantity):
            return False
    return True


def outcome(lines: list[tuple[int, int, int]], *, by_hand: bool) -> tuple[bool, list[tuple[int, int]]]:
    """Whether everything was taken of products made for it, and what is left of each then."""
    take = take_by_hand if by_hand else take_with_the_orm
    with transaction.atomic():
        products = [ProductFactory(price=10, stock=stock) for stock, _, _ in lines]
        wanted = {product.pk: quantity for product, (_, quantity, _) in zip(products, lines, strict=True)}
        seen = {product.pk: 10 + moved for product, (_, _, moved) in zip(products, lines, strict=True)}
        taken = take(quantities=dict(reversed(wanted.items())), prices=seen)
        left = Product.objects.filter(pk__in=wanted).order_by("pk").values_list("stock", "units_sold")
        return taken, list(left) if taken else []


@pytest.mark.django_db
@settings(deadline=None)
@given(LINES)
def test_a_basket_is_taken_as_with_guarded_updates(lines: list[tuple[int, int, int]]) -> None:
    assert outcome(lines, by_hand=True) == outcome(lines, by_hand=False)


@pytest.mark.django_db
def test_neither_way_takes_what_is_not_there() -> None:
    assert outcome([(2, 2, 0), (9, 3, 0)], by_hand=True) == (True, [(0, 2), (6, 3)])
    for line in [(1, 2, 0), (2, 2, 1)]:
        assert (
            outcome([(9, 1, 0), line], by_hand=True)
            == outcome([(9, 1, 0), line], by_hand=False)
            == (False, [])
        )


@pytest.mark.django_db
def test_products_are_offered_as_the_orm_reads_them() -> None:
    a, b = ProductFactory.create_batch(2)
    asked = [b.pk, a.pk, b.pk + 1]
    *offers, moments = zip(*sorted(Product.objects.offered(product_ids=asked)), strict=True)
    read = Product.objects.filter(pk__in=asked).order_by("pk").annotate(now=Now())
    *rows, later = zip(*read.values_list("pk", "name", "price", "stock", "now"), strict=True)
    assert offers == rows
    assert moments[0].tzinfo == later[0].tzinfo
    assert moments <= later
    assert Product.objects.offered(product_ids=[]) == []
