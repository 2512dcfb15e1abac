"""Offers that are looked for by their ids."""

import pytest

from core.db.exchange import send
from products.factories import ProductFactory
from products.services import offers


@pytest.mark.django_db
def test_ids_of_every_size_are_found_by_the_same_statement():
    sizes = [1, 2**15, 2**31, 2**62]
    for pk in sizes:
        ProductFactory(pk=pk)
    for ids in (*([pk] for pk in sizes), sizes, []):
        (found,) = send(offers(product_ids=ids))
        assert [row[0] for row in found] == ids
