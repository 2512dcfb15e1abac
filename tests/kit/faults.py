"""What the fault tests hold up, and how they look at it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import urllib3

from orders.models import Order, OrderEvent
from tests.kit.client import Answer
from tests.kit.database import broken, execute, lock_waiters
from tests.kit.platforms import is_delivered
from tests.kit.processes import until
from tests.kit.shop import Shop
from users.models import User

# The wait ends with the test's lock, not with the shop's own bound on waiting for a row.
WAIT_AT_COMMIT = """
CREATE FUNCTION wait_at_commit() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(NEW.user_id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER wait_at_commit AFTER INSERT ON orders_order
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_at_commit()"""
WAIT_NO_MORE = "DROP FUNCTION wait_at_commit CASCADE"


@contextmanager
def commits_held(user: User) -> Iterator[None]:
    """Inside the block an order of this user gets as far as its COMMIT, which waits for the block's end."""
    with broken(WAIT_AT_COMMIT, WAIT_NO_MORE):
        execute("SELECT pg_advisory_lock(%s)", user.pk)
        try:
            yield
        finally:
            execute("SELECT pg_advisory_unlock(%s)", user.pk)


@contextmanager
def sent(call: Callable[[], Answer]) -> Iterator["Future[Answer]"]:
    """A request that another thread sends."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(call)


def end_waiting() -> None:
    """What was waiting for a lock will never be done."""
    pids = lock_waiters()
    execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) pid", pids)
    until(lambda: gone(pids))


def gone(pids: list[int]) -> bool:
    """Whether these processes of the database have ended, and what they were at with them."""
    execute("SELECT pg_stat_clear_snapshot()")
    return not execute("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", pids)


def assert_unanswered(request: "Future[Answer]") -> None:
    """The client never learnt what became of it."""
    with pytest.raises(urllib3.exceptions.HTTPError):
        request.result()


def never(condition: Callable[[], object], *, seconds: float = 3) -> bool:
    """Whether a condition stays false for as long as three sweeps would take."""
    with suppress(AssertionError):
        return not until(condition, seconds=seconds)
    return True


def order_made_with(user: User, key: str) -> Any:
    """The one order of a user's key as {"id": …}; None where there is none."""
    return Order.objects.filter(user=user, idempotency_key=key).values("id").first()


def deliver_in_time(shop: Shop, order: Any, *, seconds: float = 5) -> None:
    """Fail unless an order's event reaches the platform in time."""
    until(lambda: is_delivered(order), seconds=seconds)
    assert str(OrderEvent.objects.get(order_id=order["id"]).pk) in shop.taken().read_text()
