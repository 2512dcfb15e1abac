"""The one opener of transactions."""

import pytest
from django.db import ProgrammingError, connection
from psycopg.errors import UndefinedTable

from core.db.transactions import ATTEMPTS, Conflict, atomic_with_retries, snapshot
from core.problems import Busy
from users.factories import UserFactory
from users.models import User


def fail_with(sqlstate: str) -> None:
    """Have PostgreSQL itself raise an error of that state."""
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'forced' USING ERRCODE = '{sqlstate}'; END $$")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_conflict_of_the_database_runs_the_whole_work_again(sqlstate):
    tries = []

    @atomic_with_retries
    def work() -> str:
        UserFactory()
        tries.append(1)
        if len(tries) < ATTEMPTS:
            fail_with(sqlstate)
        return "done"

    assert work() == "done"
    assert len(tries) == ATTEMPTS
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_conflict_that_does_not_end_is_busy_after_three_tries(sqlstate):
    tries = []

    @atomic_with_retries
    def work() -> None:
        tries.append(UserFactory())
        fail_with(sqlstate)

    with pytest.raises(Busy):
        work()
    assert len(tries) == ATTEMPTS
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sqlstate", ["55P03", "57014"])
def test_lock_or_statement_that_took_too_long_is_busy_at_once(sqlstate):
    tries = []

    @atomic_with_retries
    def work() -> None:
        tries.append(UserFactory())
        fail_with(sqlstate)

    with pytest.raises(Busy):
        work()
    assert len(tries) == 1


@pytest.mark.django_db(transaction=True)
def test_conflict_raised_by_the_work_runs_it_again_from_the_start():
    tries = []

    @atomic_with_retries
    def work() -> int:
        tries.append(UserFactory())
        if len(tries) == 1:
            raise Conflict
        return User.objects.count()

    assert work() == 1


@pytest.mark.django_db(transaction=True)
def test_bug_keeps_what_the_driver_said():
    with pytest.raises(ProgrammingError) as failed:
        atomic_with_retries(fail_with)("42P01")
    assert isinstance(failed.value.__cause__, UndefinedTable)


@pytest.mark.django_db(transaction=True)
def test_transaction_inside_another_is_a_mistake():
    @atomic_with_retries
    def outer() -> None:
        atomic_with_retries(UserFactory)()

    with pytest.raises(RuntimeError, match="durable"):
        outer()
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_snapshot_writes_nothing():
    with pytest.raises(Exception, match="read-only transaction"), snapshot():
        UserFactory()
