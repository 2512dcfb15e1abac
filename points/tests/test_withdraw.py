"""Withdrawing in one statement, beside the same written with the ORM."""

import pytest
from django.db import transaction
from django.db.models import F

from points.models import PointAccount
from tests.scenes import MAX_BIGINT
from users.factories import UserFactory


def withdraw_with_the_orm(*, user_id: int, amount: int) -> int | None:
    """Lock the account, look, and lower it."""
    account = PointAccount.objects.locked(user_id=user_id).first()
    if account is None or account.balance < amount:
        return None
    PointAccount.objects.filter(pk=user_id).update(balance=F("balance") - amount)
    return PointAccount.objects.get(pk=user_id).balance


def outcome(balance: int | None, amount: int, *, by_hand: bool) -> tuple[int | None, list[int]]:
    """What is said to be left, and what is, of an account made for it; None: there is no account."""
    withdraw = PointAccount.objects.withdraw if by_hand else withdraw_with_the_orm
    user = UserFactory()
    if balance is not None:
        PointAccount.objects.create(user=user, balance=balance)
    with transaction.atomic():
        said = withdraw(user_id=user.pk, amount=amount)
    return said, list(PointAccount.objects.filter(pk=user.pk).values_list("balance", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("balance", "amount", "left"),
    [(5, 3, 2), (5, 5, 0), (5, 6, None), (0, 1, None), (None, 1, None), (MAX_BIGINT, MAX_BIGINT, 0)],
)
def test_a_balance_is_withdrawn_from_as_under_a_lock(
    balance: int | None, amount: int, left: int | None
) -> None:
    by_hand = outcome(balance, amount, by_hand=True)
    assert by_hand == outcome(balance, amount, by_hand=False)
    assert by_hand[0] == left


@pytest.mark.django_db
def test_nobody_else_pays() -> None:
    payer, other = (PointAccount.objects.create(user=UserFactory(), balance=5) for _ in range(2))
    assert PointAccount.objects.withdraw(user_id=payer.pk, amount=5) == 0
    other.refresh_from_db()
    assert other.balance == 5
