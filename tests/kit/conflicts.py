"""Conflicts that PostgreSQL reports in the middle of a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.kit.database import broken

# A rollback does not give back the values of a sequence.
CONFLICTS = """
CREATE SEQUENCE tries;
CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('tries') <= {how_many} THEN RAISE EXCEPTION 'forced' USING ERRCODE = '{sqlstate}'; END IF;
    RETURN NULL;
END $$;
CREATE {when} TRIGGER conflict AFTER INSERT ON {table} {deferred} FOR EACH ROW EXECUTE FUNCTION conflict()"""
NO_CONFLICTS = "DROP FUNCTION conflict CASCADE; DROP SEQUENCE tries"


@contextmanager
def conflicts(table: str, how_many: int, sqlstate: str, **how: Any) -> Iterator[None]:
    """So many inserts into the table end in a conflict."""
    how = {"when": "", "deferred": "", **how}
    with broken(CONFLICTS.format(table=table, how_many=how_many, sqlstate=sqlstate, **how), NO_CONFLICTS):
        yield
