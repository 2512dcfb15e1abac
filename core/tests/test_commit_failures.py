"""What a failure means that comes only with COMMIT, or before there is a connection at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection

from core.db.sqlstates import Meaning, meaning_of
from core.db.statements import Insert, statement
from core.db.transactions import atomic_with_retries, in_messages, retried
from core.problems import Busy, Unavailable
from tests.kit.database import broken
from users.models import User

RAISE = """
CREATE FUNCTION fail_at_commit() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'forced' USING ERRCODE = '{sqlstate}'; END $$;
CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT ON users_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_at_commit();
"""
MEND = "DROP TRIGGER fail_at_commit ON users_user; DROP FUNCTION fail_at_commit()"


@statement
def member() -> Insert:
    return Insert(User(name="x"))


@atomic_with_retries
def by_the_orm(tries: list[int]) -> None:
    tries.append(1)
    User.objects.bulk_create([User(name="x")])


@retried()
def in_the_last_message(tries: list[int]) -> None:
    tries.append(1)
    with in_messages() as messages:
        messages.commit(member())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("register", [by_the_orm, in_the_last_message])
@pytest.mark.parametrize(
    ("sqlstate", "problem", "attempts"),
    [("53100", Unavailable, 1), ("25006", Unavailable, 1), ("40001", Busy, 3), ("57014", Busy, 1)],
)
def test_failure_of_commit_has_the_same_meaning_as_of_a_statement(
    register: Callable[[list[int]], None], sqlstate, problem, attempts
):
    tries = []
    with broken(RAISE.format(sqlstate=sqlstate), MEND), pytest.raises(problem):
        register(tries)
    assert len(tries) == attempts
    assert not User.objects.exists()
    register(tries)
    assert User.objects.count() == 1


@contextmanager
def other_connection(**settings: str) -> Iterator[object]:
    """One that is not open yet."""
    other = connection.copy()
    other.settings_dict = {**other.settings_dict, **settings}
    try:
        yield other
    finally:
        other.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "settings", [{"NAME": "no_such_database"}, {"USER": "no_such_role"}, {"HOST": "/nowhere"}], ids=str
)
def test_connection_that_is_refused_is_unavailable(settings):
    """Mistakes of a configuration too: they may be mended without a restart."""
    with other_connection(**settings) as other, pytest.raises(OperationalError) as refused:
        other.ensure_connection()
    assert meaning_of(refused.value) is Meaning.UNAVAILABLE


@pytest.mark.django_db(transaction=True)
def test_role_that_has_no_room_for_connections_is_unavailable():
    crowded = ("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0", "DROP ROLE crowded")
    with (
        broken(*crowded),
        other_connection(USER="crowded") as other,
        pytest.raises(OperationalError, match="too many connections") as refused,
    ):
        other.ensure_connection()
    assert meaning_of(refused.value) is Meaning.UNAVAILABLE
