"""Conflicts that PostgreSQL reports in the middle of a request: it runs anew, three times at most."""

from collections.abc import Callable

import pytest

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit.client import Answer, Client
from tests.kit.conflicts import conflicts
from tests.kit.database import execute, nothing_written
from tests.kit.invariants import broken_rules
from users.factories import UserFactory

TABLES = ("orders_orderitem", "points_pointtransaction", "coupons_issuedcoupon")
STATES = pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
AT_COMMIT = {"when": "CONSTRAINT", "deferred": "DEFERRABLE INITIALLY DEFERRED"}


def writing(http: Client, table: str) -> Callable[[], Answer]:
    """A request of somebody new that puts a row into the table."""
    user, product, campaign = UserFactory(), ProductFactory(price=0), CouponFactory()
    return {
        "orders_orderitem": lambda: http.order(user, {product.pk: 1}, key="k"),
        "points_pointtransaction": lambda: http.charge(user, 1, key="k"),
        "coupons_issuedcoupon": lambda: http.post(f"coupons/{campaign.pk}/issue", user=user),
    }[table]


def tries() -> int:
    """How often the insert was tried."""
    ((count,),) = execute("SELECT last_value FROM tries")
    return int(count)


@STATES
@pytest.mark.parametrize("table", TABLES)
def test_conflicts_twice_in_a_row_are_retried_unnoticed(http: Client, table: str, sqlstate: str) -> None:
    write = writing(http, table)
    with conflicts(table, 2, sqlstate):
        answer = write()
        assert (answer.status, tries()) == (201, 3)
    assert "Idempotent-Replayed" not in answer.headers
    assert len(execute(f"SELECT 1 FROM {table}")) == 1
    assert broken_rules() == []


def test_conflicts_twice_at_the_commit_are_retried_unnoticed(http: Client) -> None:
    write = writing(http, "orders_orderitem")
    with conflicts("orders_orderitem", 2, "40001", **AT_COMMIT):
        assert (write().status, tries()) == (201, 3)
    assert broken_rules() == []


@pytest.mark.parametrize("table", TABLES)
def test_conflicts_three_times_are_busy_and_write_nothing(http: Client, table: str) -> None:
    write = writing(http, table)
    with conflicts(table, 1_000, "40P01"), nothing_written():
        answer = write()
        assert (answer.status, answer.code, tries()) == (503, "busy", 3)
    assert int(answer.headers["Retry-After"]) >= 1
    assert write().status == 201


def test_failure_of_another_kind_is_not_retried(http: Client) -> None:
    write = writing(http, "orders_orderitem")
    with conflicts("orders_orderitem", 1_000, "P0001"), nothing_written():
        answer = write()
        assert (answer.status, answer.code, tries()) == (500, "internal", 1)
