"""Random histories at random moments: the read model is a recount, whenever it was moved up, if ever."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orders.selectors import Sales
from products.factories import ProductFactory
from rankings import services, sql
from rankings.selectors import best_sellers
from tests.kit.clock import MADE, REMOVED, by_that_clock, set_clock
from tests.kit.database import broken, execute
from users.factories import UserFactory

# In the future, so that no order seems to come late.
BEGINNING = datetime(2031, 1, 31, 14, 59, 30, tzinfo=UTC)
MICROSECOND, MINUTE, HOUR = timedelta(microseconds=1), timedelta(minutes=1), timedelta(hours=1)
WINDOW = timedelta(days=3)
RANKED = 2

order = st.tuples(
    st.just("sell"), st.dictionaries(st.integers(0, 3), st.integers(1, 4), min_size=1), st.integers(0, 3)
)
spell = st.one_of(
    st.sampled_from(
        [MICROSECOND, MINUTE - MICROSECOND, MINUTE, HOUR, HOUR + MINUTE, WINDOW - MINUTE, WINDOW]
    ),
    st.timedeltas(timedelta(0), WINDOW / 2),
)
some, beside = st.integers(0, 9), st.sampled_from([-MICROSECOND, timedelta(0), MICROSECOND])
steps = st.lists(
    st.one_of(
        order,
        order,
        st.tuples(st.just("wait"), spell),
        st.tuples(st.just("set_back"), spell),
        st.tuples(st.just("wait_until_it_leaves"), some, beside),
        st.tuples(st.just("recompute"), st.booleans()),
        st.tuples(st.just("recompute"), st.booleans()),
        st.tuples(st.just("delete"), some),
        st.tuples(st.just("backdate"), some, st.one_of(spell, st.just(WINDOW)), beside),
        st.tuples(st.just("rewrite"), some, st.integers(1, 9)),
    ),
    max_size=14,
)


@dataclass
class History:
    """The shop's orders beside those we know of: when each was placed and what was sold."""

    user: int
    products: list[int]
    now: datetime = BEGINNING
    orders: dict[int, tuple[datetime, dict[int, Sales]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        execute("TRUNCATE orders_order, rankings_productsales, rankings_saleswindow CASCADE")
        set_clock(self.now)

    def sell(self, quantities: dict[int, int], price: int) -> None:
        """Place an order now."""
        ((pk,),) = execute(
            "INSERT INTO orders_order (user_id, subtotal, total, balance_after, ordered_at)"
            " VALUES (%s, 0, 0, 0, %s) RETURNING id",
            *(self.user, self.now),
        )
        sold = {self.products[n]: Sales(quantity, quantity * price) for n, quantity in quantities.items()}
        for product, sales in sold.items():
            execute(
                "INSERT INTO orders_orderitem (order_id, product_id, product_name, unit_price, quantity)"
                " VALUES (%s, %s, 'x', %s, %s)",
                *(pk, product, price, sales.units),
            )
        self.orders[pk] = (self.now, sold)

    def wait(self, spell: timedelta) -> None:
        """Let time pass."""
        self.now += spell
        set_clock(self.now)

    def set_back(self, spell: timedelta) -> None:
        """Let a server take over whose clock is behind."""
        self.wait(-spell)

    def wait_until_it_leaves(self, which: int, beside: timedelta) -> None:
        """Until an order stands at the edge of the window."""
        if self.orders:
            placed, _ = self.orders[self.one(which)]
            self.wait(max(placed + WINDOW + beside - self.now, timedelta(0)))

    def recompute(self, from_scratch: bool) -> None:  # noqa: FBT001
        """Run the batch."""
        services.recompute(days=WINDOW.days, from_scratch=from_scratch)

    def delete(self, which: int) -> None:
        """By SQL."""
        if self.orders:
            pk = self.one(which)
            execute("DELETE FROM orders_orderitem WHERE order_id = %s", pk)
            execute("DELETE FROM orders_order WHERE id = %s", pk)
            del self.orders[pk]

    def backdate(self, which: int, age: timedelta, beside: timedelta) -> None:
        """By SQL, to a moment that may be an edge, or yet to come."""
        if self.orders:
            pk, moment = self.one(which), self.now - age + beside
            execute("UPDATE orders_order SET ordered_at = %s WHERE id = %s", moment, pk)
            self.orders[pk] = (moment, self.orders[pk][1])

    def rewrite(self, which: int, quantity: int) -> None:
        """By SQL, all lines of an order; the price is the quantity too."""
        if self.orders:
            pk = self.one(which)
            execute(
                "UPDATE orders_orderitem SET quantity = %s, unit_price = %s WHERE order_id = %s",
                *(quantity, quantity, pk),
            )
            placed, sold = self.orders[pk]
            self.orders[pk] = (placed, dict.fromkeys(sold, Sales(quantity, quantity**2)))

    def one(self, which: int) -> int:
        """One of the orders."""
        return list(self.orders)[which % len(self.orders)]

    def recount(self) -> list[tuple[int, int, int, int]]:
        """The best sellers as we know them."""
        sums: dict[int, Sales] = {}
        for placed, sold in self.orders.values():
            if self.now - WINDOW < placed <= self.now:
                sums |= {pk: sums.get(pk, Sales()) + sales for pk, sales in sold.items()}
        best = sorted(sums.items(), key=lambda total: (-total[1].units, total[0]))[:RANKED]
        return [(rank, pk, sold.units, sold.amount) for rank, (pk, sold) in enumerate(best, start=1)]


@pytest.fixture
def begin(transactional_db: None) -> Iterator[Callable[[], History]]:
    """What begins a history; this process lives by its clock."""
    user, products = UserFactory().pk, [product.pk for product in ProductFactory.create_batch(4)]
    with broken(MADE, REMOVED), by_that_clock():
        yield lambda: History(user, products)


def play(history: History, steps: list[tuple[Any, ...]]) -> None:
    """Each step, and after each the ranking; it fails where that is no recount."""
    for name, *details in steps:
        getattr(history, name)(*details)
        ranking = best_sellers(days=WINDOW.days, size=RANKED)
        assert (ranking.from_at, ranking.to_at) == (history.now - WINDOW, history.now)
        ranked = [(each.rank, each.product_id, each.units, each.amount) for each in ranking.best_sellers]
        assert ranked == history.recount()


LEAVES = [
    ("sell", {0: 1, 1: 1}, 1),
    ("wait", HOUR),
    ("sell", {2: 1}, 1),
    ("recompute", False),
    ("wait", MINUTE),
    ("recompute", False),
    ("wait_until_it_leaves", 0, -MICROSECOND),
    ("recompute", False),
    ("wait", MICROSECOND),
]

BEHIND = [
    ("wait", HOUR),
    ("sell", {0: 1}, 1),
    ("wait", MINUTE),
    ("recompute", False),
    ("set_back", timedelta(seconds=90)),
    ("sell", {0: 2, 1: 1}, 1),
    ("wait", 2 * MINUTE),
]


@given(steps=steps)
@example(steps=LEAVES)
@example(steps=BEHIND)
@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[*HealthCheck])
def test_ranking_is_a_recount_at_every_moment_of_any_history(
    begin: Callable[[], History], steps: list[tuple[Any, ...]]
) -> None:
    play(begin(), steps)


@pytest.mark.parametrize("edge", [">", "<="])
def test_mistake_of_a_microsecond_at_an_edge_is_found(
    begin: Callable[[], History], monkeypatch: pytest.MonkeyPatch, edge: str
) -> None:
    text, mistake = sql.BEST_SELLERS, f"ordered_at + interval '1 microsecond' {edge}"
    monkeypatch.setattr(sql, "BEST_SELLERS", text.replace(f"ordered_at {edge}", mistake))
    monkeypatch.setattr(sql.best_sellers, "compiled", {})
    with pytest.raises(AssertionError):
        play(begin(), LEAVES)


def test_clock_set_back_unnoticed_is_found(begin: Callable[[], History]) -> None:
    trigger = "ALTER TABLE orders_order {} TRIGGER rankings_order_before_window_end"
    with broken(trigger.format("DISABLE"), trigger.format("ENABLE")), pytest.raises(AssertionError):
        play(begin(), BEHIND)


def test_wrong_sums_are_found(begin: Callable[[], History]) -> None:
    history = begin()
    play(history, LEAVES[:6])
    execute("UPDATE rankings_productsales SET amount = amount + 1")
    with pytest.raises(AssertionError):
        play(history, [("wait", MICROSECOND)])
