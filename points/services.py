"""Moving points: charges, payments, and the ledger that explains them."""

from datetime import datetime

from django.db.models import BigIntegerField, F, QuerySet
from django.db.models.functions import Now

from core.db.statements import Update, insert, statement
from core.db.transactions import in_messages, retried
from core.idempotency import IdempotencyKey, Idempotent, once
from core.problems import NotRegistered
from points import selectors
from points.models import PointAccount, PointTransaction
from points.problems import BalanceOverflow
from users.models import User
from users.selectors import member

# An account that another request made meanwhile stays as it is.
open_account = insert(PointAccount, ignore_conflicts=True)
# A charge is also the claim of its key.
insert_charge = insert(PointTransaction, type=PointTransaction.Type.CHARGE, returning=["id", "created_at"])
insert_payment = insert(PointTransaction, type=PointTransaction.Type.PAYMENT, just_inserted="order")


@statement
def member_balance(*, user_id: int) -> "QuerySet[User, tuple[int | None, datetime]]":
    """The member's balance in won, None before the first charge, and the database's time; no lock."""
    members = User.objects.filter(pk=user_id).annotate(read_at=Now())
    return members.values_list("pointaccount__balance", "read_at")


@statement
def locked_balance(*, user_id: int) -> "QuerySet[PointAccount, int]":
    """The balance in won; locks the account until the transaction ends, so that its changes take turns."""
    return PointAccount.objects.locked(user_id=user_id).values_list("balance", flat=True)


@statement
def move(*, user_id: int, amount: int) -> Update:
    """Add a signed amount to the balance of the locked account."""
    return Update(PointAccount.objects.filter(pk=user_id), {"balance": F("balance") + amount})


def charge(*, user_id: int, amount: int, key: IdempotencyKey | None = None) -> Idempotent[PointTransaction]:
    """Credit `amount` won (at least 1) to the user, once for a key.

    Raises NotRegistered, BalanceOverflow, Busy, Unavailable, or IdempotencyKeyReused where the key came with
    another body.
    """
    return once(
        lambda: _credit(user_id=user_id, amount=amount, key=key),
        key=key,
        made_with=lambda key: selectors.charge_made_with(user_id=user_id, key=key),
    )


@retried()
def _credit(*, user_id: int, amount: int, key: IdempotencyKey | None) -> PointTransaction:
    with in_messages() as messages:
        lock = locked_balance(user_id=user_id)
        (balances,) = messages.send(lock)
        if not balances:
            (members,) = messages.send(member(user_id=user_id))
            if not members:
                raise NotRegistered
            _opened, balances = messages.send(open_account(user_id=user_id), lock)
        balance_after = balances[0] + amount
        if balance_after > BigIntegerField.MAX_BIGINT:
            raise BalanceOverflow
        entry = insert_charge(
            user_id=user_id,
            amount=amount,
            balance_after=balance_after,
            idempotency_key=key.key if key else None,
            request_hash=key.request_hash if key else None,
        )
        ((made,), _moved) = messages.commit(entry, move(user_id=user_id, amount=amount))
    return PointTransaction(
        id=made[0],
        user_id=user_id,
        type=PointTransaction.Type.CHARGE,
        amount=amount,
        balance_after=balance_after,
        created_at=made[1],
    )
