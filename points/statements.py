"""Balances and the ledger: what is read, the lock of an account, and what is written while it is held."""

from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from core.db.pages import PageShape
from core.db.statements import Insert, JustInserted, Update, statement, variants
from points.models import PointAccount, PointTransaction
from users.models import User

NEWEST_FIRST = ("-created_at", "-id")


@statement
def balance_of_member(*, user_id: int) -> "QuerySet[User, int | None]":
    """The member's balance in won, None of one who never charged; no row where the id is nobody's."""
    return User.objects.filter(pk=user_id).values_list("pointaccount__balance", flat=True)


@statement
def locked_balance(*, user_id: int) -> "QuerySet[PointAccount, int]":
    """The balance in won, its account held until the transaction ends: all who move it take turns."""
    return PointAccount.objects.locked(user_id=user_id).values_list("balance", flat=True)


@statement
def account(*, user_id: int) -> Insert:
    """The account of a member who never charged; one made meanwhile is left as it is."""
    return Insert(PointAccount(user_id=user_id), ignore_conflicts=True)


@statement
def move(*, user_id: int, amount: int) -> Update:
    """Add a signed amount; `account_balance_not_negative` refuses what the balance does not cover."""
    return Update(PointAccount.objects.filter(pk=user_id), {"balance": F("balance") + amount})


@statement
def charge(
    *, user_id: int, amount: int, balance_after: int, key: str | None, request_hash: str | None
) -> Insert:
    """A charge in the ledger; answers its id and timestamp."""
    entry = PointTransaction(
        user_id=user_id,
        type=PointTransaction.Type.CHARGE,
        amount=amount,
        balance_after=balance_after,
        idempotency_key=key,
        request_hash=request_hash,
    )
    return Insert(entry, returning=["id", "created_at"])


@statement
def payment(*, user_id: int, amount: int, balance_after: int) -> Insert:
    """A payment in the ledger, by the order that this transaction has just put in; the amount is negative."""
    entry = PointTransaction(
        user_id=user_id,
        type=PointTransaction.Type.PAYMENT,
        amount=amount,
        balance_after=balance_after,
        order_id=JustInserted(PointTransaction, "order"),
    )
    return Insert(entry)


@variants("shape")
def ledger(
    *, user_id: int, shape: PageShape, pk: int | None, timestamp: datetime | None
) -> "QuerySet[PointTransaction, Any]":
    entries = shape.of(
        PointTransaction.objects.filter(user_id=user_id), NEWEST_FIRST, pk=pk, timestamp=timestamp
    )
    return entries.values_list("id", "type", "amount", "balance_after", "order_id", "created_at", named=True)


@statement
def charge_made_with(*, user_id: int, key: str) -> "QuerySet[PointTransaction, PointTransaction]":
    """The charge that claims this key of the user, if one does."""
    return PointTransaction.objects.filter(user_id=user_id, idempotency_key=key)
