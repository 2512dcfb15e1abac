"""People with points and coupons, made the way the shop makes them."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connection

from coupons.factories import CouponFactory
from tests.kit.client import Client
from tests.kit.database import execute
from users.factories import UserFactory
from users.models import User

MAX_BIGINT = 2**63 - 1
THREADS = 64

T = TypeVar("T")


def buyer(http: Client, *, points: int = 100_000) -> User:
    """A member with a balance."""
    user = UserFactory()
    if points:
        assert http.charge(user, points).status == 201
    return user


def buyers(count: int, *, points: int) -> list[User]:
    """Many members with the same balance and a ledger that explains it, put in by SQL."""
    users = UserFactory.create_batch(count)
    execute("INSERT INTO points_pointaccount (user_id, balance) SELECT id, %s FROM users_user", points)
    execute(
        "INSERT INTO points_pointtransaction (user_id, type, amount, balance_after)"
        " SELECT id, 'charge', %s, %s FROM users_user",
        points,
        points,
    )
    return users


def hold_coupon(http: Client, user: User, **terms: Any) -> Any:
    """A coupon of a new campaign, issued to the user, as the API shows it."""
    answer = http.post(f"coupons/{CouponFactory(**terms).pk}/issue", user=user)
    assert answer.status == 201
    return answer.json


def at_once(calls: Iterable[Callable[[], T]]) -> list[T]:
    """Make the calls from up to 64 threads; what each returned, in order."""

    def run(call: Callable[[], T]) -> T:
        try:
            return call()
        finally:
            connection.close()  # a thread's own, if it asked the database itself

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, calls))
