"""The last writes of a unit of work and its COMMIT, in one round trip."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from psycopg.pq import TransactionStatus

from api.problems import Busy
from api.statements import prepared
from api.transactions import ATTEMPTS, last_round_trip, unit_of_work
from tests.database import execute
from users.factories import UserFactory
from users.models import User

GUARD = "user_name_not_blank"
NAME = "UPDATE users_user SET name = %s WHERE id = %s"


def write(statement: str, *values: Any) -> None:
    with prepared() as cursor:
        cursor.execute(statement, values)


def seen_by_another() -> str:
    """The one member's name, read from another thread's connection."""
    try:
        return User.objects.get().name
    finally:
        connection.close()


def status() -> TransactionStatus:
    return connection.connection.info.transaction_status


@pytest.mark.django_db(transaction=True)
def test_others_see_what_was_written_as_soon_as_it_was_sent():
    user = UserFactory(name="before")
    followed = []

    @unit_of_work
    def rename() -> tuple[str, TransactionStatus]:
        transaction.on_commit(lambda: followed.append(status()))
        with last_round_trip(guards=()):
            write(NAME, "between", user.pk)
            write(NAME, "after", user.pk)
        with ThreadPoolExecutor(1) as another:
            seen = another.submit(seen_by_another).result()
        return seen, status()

    assert rename() == ("after", TransactionStatus.IDLE)
    assert followed == [TransactionStatus.IDLE]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kept", [None, 0])  # plans: of no statement, of each from its first use
def test_what_a_guard_refuses_is_undone_and_done_anew(kept: int | None):
    connection.ensure_connection()
    connection.connection.prepare_threshold = kept
    user, names = UserFactory(name="before"), iter(["", "", "after"])

    @unit_of_work
    def rename() -> None:
        User.objects.create(name="another")
        with last_round_trip(guards={GUARD}):
            write(NAME, next(names), user.pk)
            write("UPDATE users_user SET name = %s WHERE name = 'another'", "written")

    rename()
    assert execute("SELECT name FROM users_user ORDER BY id") == [("after",), ("written",)]


@pytest.mark.django_db(transaction=True)
def test_what_a_guard_goes_on_refusing_is_busy_and_no_news_for_the_log(caplog):
    user, tries = UserFactory(name="before"), []

    @unit_of_work
    def rename() -> None:
        tries.append(1)
        with last_round_trip(guards={GUARD}):
            write(NAME, "", user.pk)
            User.objects.first()  # the refusal comes before the end

    with pytest.raises(Busy):
        rename()
    assert len(tries) == ATTEMPTS
    assert User.objects.get().name == "before"
    assert not caplog.records


@pytest.mark.django_db(transaction=True)
def test_a_row_that_vanished_is_looked_for_anew():
    user = UserFactory()
    missing = iter([user.pk + 1, user.pk])

    @unit_of_work
    def open_an_account() -> None:
        with last_round_trip(guards=()):
            write("INSERT INTO points_pointaccount (user_id) VALUES (%s)", next(missing))

    open_an_account()
    assert execute("SELECT user_id FROM points_pointaccount") == [(user.pk,)]


@pytest.mark.django_db(transaction=True)
def test_a_constraint_that_guards_nothing_is_an_error_of_ours():
    user = UserFactory(name="before")

    @unit_of_work
    def rename() -> None:
        with last_round_trip(guards={"another"}):
            write(NAME, "", user.pk)

    with pytest.raises(IntegrityError, match=GUARD):
        rename()
    assert status() is TransactionStatus.IDLE


@pytest.mark.django_db(transaction=True)
def test_an_error_inside_commits_nothing():
    user = UserFactory(name="before")

    @unit_of_work
    def rename() -> None:
        with last_round_trip(guards=()):
            write(NAME, "after", user.pk)
            raise LookupError

    with pytest.raises(LookupError):
        rename()
    assert User.objects.get().name == "before"


@pytest.mark.django_db
def test_inside_a_test_nothing_is_committed():
    user = UserFactory(name="before")

    @unit_of_work
    def rename() -> None:
        with last_round_trip(guards=()):
            write(NAME, "after", user.pk)

    rename()
    assert status() is TransactionStatus.INTRANS
    assert User.objects.get().name == "after"
