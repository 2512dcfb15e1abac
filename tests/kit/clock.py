"""A shop whose clock stands still at any microsecond: its sessions find our clock before PostgreSQL's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from tests.kit import processes
from tests.kit.client import Client
from tests.kit.database import broken, execute

MADE = """
CREATE SCHEMA clock;
CREATE TABLE clock.hand (stands_at timestamptz);
CREATE FUNCTION clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT stands_at FROM clock.hand), pg_catalog.statement_timestamp())
$$;
CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT coalesce((SELECT stands_at FROM clock.hand), pg_catalog.clock_timestamp())
$$"""
REMOVED = "DROP SCHEMA clock CASCADE"
OURS_FIRST = "clock, pg_catalog, public"


@contextmanager
def shop_with_own_clock(*, log: Path) -> Iterator[Client]:
    """A web server that reads our clock; the clock goes as usual until it is set."""
    found_first = quote(f"-c search_path={OURS_FIRST}".replace(", ", ","))
    url = f"{processes.environment()['DATABASE_URL']}&options={found_first}"
    with broken(MADE, REMOVED), processes.web(log=log, DATABASE_URL=url) as shop:
        yield Client(shop)


def set_clock(moment: datetime | None) -> None:
    """Let it stand at a moment from the next statement on, or go again."""
    execute("DELETE FROM clock.hand")
    if moment:
        execute("INSERT INTO clock.hand VALUES (%s)", moment)


@contextmanager
def by_that_clock() -> Iterator[None]:
    """Inside the block this process reads it too."""
    execute(f"SET search_path TO {OURS_FIRST}")
    try:
        yield
    finally:
        execute("RESET search_path")
