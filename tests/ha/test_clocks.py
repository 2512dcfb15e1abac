"""A server takes over whose clock is 90 s ahead of the old primary's; then one whose clock is right again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic

from django.conf import settings
from django.db import connection

from core.db.transactions import snapshot
from orders.models import OrderEvent
from orders.outbox.delivery import LEASE
from orders.outbox.events import claim
from rankings.audit import sums_that_differ, wrong_ranks
from rankings.services import recompute
from tests.ha.case import Case, under_load
from tests.kit.database import broken, execute
from tests.kit.ha.topology import Topology
from tests.kit.processes import until

OFF_SECONDS = 90
LEASE_SECONDS = LEASE.total_seconds()
# A worker starts, sweeps, and sends what has gathered meanwhile, on a busy machine.
SWEPT_SECONDS = 30
WINDOW = "UPDATE rankings_saleswindow"


@contextmanager
def standby_ahead(topology: Topology) -> Iterator[None]:
    """Inside the block the one that takes over first has such a clock; afterwards every clock is right."""
    cluster = topology.cluster
    other = cluster.synchronous_standby()
    (ahead,) = (each for each in cluster.standbys() if each is not other)
    cluster.set_clock(ahead, OFF_SECONDS)
    cluster.set_clock(other, 0)
    try:
        assert cluster.synchronous_standby() is ahead
        yield
    finally:
        cluster.set_clock(ahead, 0)


def take_over(case: Case) -> datetime:
    """Recompute the sums, which beat no longer moves; then switch over.

    Returns up to when the sums were.
    """
    to_at = recompute(days=settings.RANKING_DAYS).to_at
    new = case.topology.cluster.switch_over()
    case.wait_for_writes(seconds=30)
    assert case.topology.cluster.primary() is new
    connection.close()
    return to_at


def leased(case: Case) -> Callable[[], tuple[float, float]]:
    """A worker claims what is due, and vanishes. What to call for how long its events were left alone.

    That is the seconds from the claim until the first and until the last of them was delivered.
    """
    workers = [part for name, part in case.topology.parts.items() if "worker" in name]
    for each in workers:
        each.kill()
    case.wait_for_writes(seconds=10)
    began, events = monotonic(), claim(limit=1000, lease=LEASE)
    assert events
    for each in workers:
        each.start()
    taken = OrderEvent.objects.filter(pk__in=[each.id for each in events], state="delivered")

    def wait() -> tuple[float, float]:
        patience = LEASE_SECONDS + OFF_SECONDS + SWEPT_SECONDS
        until(taken.exists, seconds=patience)
        first = monotonic() - began
        until(lambda: taken.count() == len(events), seconds=patience)
        return first, monotonic() - began

    return wait


def sums_would_count() -> bool:
    """Whether the primary's clock has reached the end of the sums' window; until then they are not used."""
    query = "SELECT from_at < statement_timestamp() - make_interval(days => %s) FROM rankings_saleswindow"
    ((past,),) = execute(query, settings.RANKING_DAYS)
    return bool(past)


def assert_best_sellers_are_right() -> None:
    with snapshot():  # orders come in all the time
        assert [*sums_that_differ(), *wrong_ranks()] == []


def test_best_sellers_and_leases_are_right_where_a_new_primary_has_another_clock(topology: Topology) -> None:
    """A lease ends by the clock of the primary that gave it; after a switchover, later by the difference.

    The control: with the window as it was, the sums lack the orders that came in before its end.
    """
    with (
        standby_ahead(topology),
        under_load(topology, "switchover to a clock 90 s ahead, and back") as case,
    ):
        topology.parts["beat"].kill()  # the sums are right without being moved, too
        case.break_now()
        take_over(case)
        assert_best_sellers_are_right()
        first, last = leased(case)()
        assert LEASE_SECONDS <= first <= last < LEASE_SECONDS + SWEPT_SECONDS
        assert_best_sellers_are_right()
        taken_along = leased(case)
        to_at = take_over(case)
        first, last = taken_along()
        assert LEASE_SECONDS <= first <= last < LEASE_SECONDS + OFF_SECONDS + SWEPT_SECONDS
        until(sums_would_count, seconds=OFF_SECONDS)
        assert_best_sellers_are_right()
        with broken(f"{WINDOW} SET to_at = '{to_at}'", f"{WINDOW} SET to_at = from_at"):
            assert [*sums_that_differ()]
    # One issued just before was issued later than now, by the clock that is right.
    assert [each for each in case.wrong if "409 coupon_expired" not in each] == []
