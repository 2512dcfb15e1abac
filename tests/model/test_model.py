"""The shop does what a model of it in Python predicts, for random sequences of operations."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.deliveries import Deliveries
from tests.model.exchange import Basket
from tests.model.machine import ShopMachine
from tests.model.shop import Shop


def run(deliveries: Deliveries, model: type[Shop], **more: Any) -> None:
    """Play random histories against the model; raises AssertionError where they differ."""
    machine = type("Histories", (ShopMachine,), {"deliveries": deliveries, "model": model})
    run_state_machine_as_test(machine, settings=settings(**more))


def test_shop_does_what_the_model_predicts(deliveries: Deliveries) -> None:
    run(deliveries, Shop)


class RoundsUp(Shop):
    """A share of a won is the customer's."""

    def discount(self, terms: Mapping[str, Any], subtotal: int) -> int:
        if terms["discount_type"] == "fixed":
            return super().discount(terms, subtotal)
        share = -(-subtotal * terms["discount_value"] // 100)
        return min(share, terms["max_discount"] or share)


class RanksByWon(Shop):
    """What costs most sells best."""

    def place(self, sold: tuple[int, int, int]) -> Any:
        return -sold[2], sold[0]


class KeepsStock(Shop):
    """A wrong model, whose orders take no stock."""

    def order(self, basket: Basket) -> dict[str, Any]:
        stock = {pk: product.stock for pk, product in self.products.items()}
        answer = super().order(basket)
        for pk, left in stock.items():
            self.products[pk].stock = left
        return answer


@pytest.mark.parametrize("wrong", [RoundsUp, RanksByWon, KeepsStock])
def test_model_that_is_wrong_is_noticed(deliveries: Deliveries, wrong: type[Shop]) -> None:
    """Without this the test above could be one that never fails; as short as the short profile."""
    with pytest.raises(AssertionError):
        run(
            deliveries,
            wrong,
            max_examples=10,
            stateful_step_count=20,
            derandomize=True,
            phases=[Phase.generate],
        )
