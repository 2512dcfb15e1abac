"""A transaction in few messages: what its last one carries, and what may not follow."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from psycopg.pq import TransactionStatus

from core.db.statements import Insert, Update, statement
from core.db.transactions import ATTEMPTS, in_messages, retried
from core.problems import Busy
from points.models import PointAccount
from tests.kit.database import execute
from users.factories import UserFactory
from users.models import User

GUARD = "user_name_not_blank"

pytestmark = pytest.mark.django_db(transaction=True)


@statement
def rename(*, user_id: int, name: str) -> Update:
    return Update(User.objects.filter(pk=user_id), {"name": name})


@statement
def register(*, name: str) -> Insert:
    return Insert(User(name=name))


@statement
def open_account(*, user_id: int) -> Insert:
    return Insert(PointAccount(user_id=user_id))


def seen_by_another() -> str:
    """The one member's name, read from another thread's connection."""
    try:
        return User.objects.get().name
    finally:
        connection.close()


def status() -> TransactionStatus:
    session: Any = connection.connection
    return session.info.transaction_status


def test_writes_are_visible_to_others_after_commit():
    user = UserFactory(name="before")
    with in_messages() as messages, ThreadPoolExecutor(1) as another:
        messages.send(rename(user_id=user.pk, name="between"))
        assert another.submit(seen_by_another).result() == "before"
        assert messages.commit(rename(user_id=user.pk, name="after")) == (1,)
        assert another.submit(seen_by_another).result() == "after"
        assert status() is TransactionStatus.IDLE


def test_statement_after_commit_is_refused():
    user = UserFactory(name="before")
    with in_messages() as messages:
        messages.commit(rename(user_id=user.pk, name="after"))
        for send in (messages.send, messages.commit):
            with pytest.raises(RuntimeError, match="has ended"):
                send(rename(user_id=user.pk, name="too late"))
    assert User.objects.get().name == "after"


def test_transaction_left_open_is_undone_and_an_internal_error():
    user = UserFactory(name="before")
    with pytest.raises(RuntimeError, match="left open"), in_messages() as messages:
        messages.send(rename(user_id=user.pk, name="after"))
    assert User.objects.get().name == "before"


def test_exception_inside_undoes_everything():
    user = UserFactory(name="before")
    with suppress(LookupError), in_messages() as messages:
        messages.send(rename(user_id=user.pk, name="after"))
        raise LookupError
    assert (User.objects.get().name, status()) == ("before", TransactionStatus.IDLE)


def test_transaction_inside_another_is_refused():
    with transaction.atomic(), pytest.raises(TransactionManagementError), in_messages():
        pass


def test_guard_s_refusal_is_undone_and_tried_again():
    user, names = UserFactory(name="before"), iter(["", "", "after"])

    @retried(guards={GUARD})
    def work() -> None:
        with in_messages() as messages:
            messages.send(register(name="another"))
            messages.commit(rename(user_id=user.pk, name=next(names)), register(name="written"))

    work()
    assert execute("SELECT name FROM users_user ORDER BY id") == [("after",), ("another",), ("written",)]


def test_guard_that_keeps_refusing_is_busy_and_not_logged_as_an_error(caplog):
    user, tries = UserFactory(name="before"), []

    @retried(guards={GUARD})
    def work() -> None:
        tries.append(1)
        with in_messages() as messages:
            messages.commit(rename(user_id=user.pk, name=""))

    with pytest.raises(Busy):
        work()
    assert len(tries) == ATTEMPTS
    assert User.objects.get().name == "before"
    assert not caplog.records


def test_row_that_vanished_is_looked_up_again():
    user = UserFactory()
    missing = iter([user.pk + 1, user.pk])

    @retried()
    def work() -> None:
        with in_messages() as messages:
            messages.commit(open_account(user_id=next(missing)))

    work()
    assert execute("SELECT user_id FROM points_pointaccount") == [(user.pk,)]


def test_constraint_that_is_no_guard_is_an_internal_error():
    user = UserFactory(name="before")

    @retried(guards={"another"})
    def work() -> None:
        with in_messages() as messages:
            messages.commit(rename(user_id=user.pk, name=""))

    with pytest.raises(IntegrityError, match=GUARD):
        work()
    assert status() is TransactionStatus.IDLE
