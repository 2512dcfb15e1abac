"""`manage.py migrate` changes a table that every order writes, behind a long reader."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.ha.case import under_load
from tests.kit.database import execute
from tests.kit.ha.topology import Topology
from tests.kit.processes import until

READER_SECONDS = 15
GAP_SECONDS = 2
STARTED_SECONDS = 60  # manage.py, on a busy machine
MIGRATIONS = ("products", "0002")  # before constraints of the products were added


@contextmanager
def long_reader(topology: Topology) -> Iterator[None]:
    """Somebody's report, which goes on for READER_SECONDS once the block has run."""
    with topology.cluster.connect(topology.balancer.address, name="pointshop") as session:
        session.autocommit = False
        session.execute("SELECT count(*) FROM products_product")
        yield
        session.execute(f"SELECT pg_sleep({READER_SECONDS})")
        session.rollback()


def somebody_waits_for_the_table() -> bool:
    table = "relation = 'products_product'::regclass"
    return bool(execute(f"SELECT 1 FROM pg_locks WHERE {table} AND NOT granted"))


def test_migrate_behind_a_long_reader_fails_no_request_and_stops_no_writes(topology: Topology) -> None:
    with under_load(topology, f"migrate behind a reader of {READER_SECONDS} s") as case:
        case.break_now()
        with ThreadPoolExecutor(1) as pool:
            with long_reader(topology):
                back = pool.submit(topology.manage, "migrate", *MIGRATIONS)
                until(somebody_waits_for_the_table, seconds=STARTED_SECONDS)
            assert back.result().returncode == 0, back.result().stderr
        assert "tried again" in back.result().stderr
        forth = topology.manage("migrate", "products")
        assert forth.returncode == 0, forth.stderr
        case.wait_for_writes(seconds=10)
    assert case.wrong == []
    assert case.answers["503"] == 0
    assert case.outage < GAP_SECONDS


def test_change_of_a_table_without_a_bound_stops_all_writes_behind_a_long_reader(topology: Topology) -> None:
    """The negative control: the same lock, waited for as PostgreSQL does unless told otherwise."""
    with under_load(
        topology, f"ALTER TABLE without bounds behind a reader of {READER_SECONDS} s (control)"
    ) as case:
        case.break_now()
        with topology.cluster.connect(topology.balancer.address, name="pointshop") as session:
            with ThreadPoolExecutor(1) as pool, long_reader(topology):
                altered = pool.submit(session.execute, "ALTER TABLE products_product ADD COLUMN x int")
                until(lambda: case.answers["503"] > 0, seconds=READER_SECONDS)
            altered.result()
            session.execute("ALTER TABLE products_product DROP COLUMN x")
        case.wait_for_writes(seconds=10)
    assert case.wrong == []
    assert case.outage > GAP_SECONDS  # orders wait until the reader has ended; charges need no product
