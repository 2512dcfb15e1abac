"""Moving points: a charge comes in, a payment goes out, the ledger says why."""

from typing import Any

from django.db.models import BigIntegerField

from core.db.statements import Bound
from core.db.transactions import Messages, in_messages, retried
from core.idempotency import IdempotencyKey, Idempotent, run_idempotently
from points import selectors, statements
from points.models import PointTransaction
from points.problems import BalanceOverflow, InsufficientPoints
from users.services import require_member
from users.statements import member

# What refuses a payment that the balance covered when it was looked at.
GUARD = "account_balance_not_negative"


def charge(*, user_id: int, amount: int, key: IdempotencyKey | None = None) -> Idempotent[PointTransaction]:
    """Credit `amount` won (at least 1) to the user, once for a key.

    Raises NotRegistered, BalanceOverflow, Busy, or IdempotencyKeyReused where the key came with another body.
    """
    return run_idempotently(
        key=key,
        create=lambda: _credit(user_id=user_id, amount=amount, key=key),
        find_existing=lambda used: selectors.charge_made_with(user_id=user_id, key=used),
    )


@retried(guards={GUARD})
def _credit(*, user_id: int, amount: int, key: IdempotencyKey | None) -> PointTransaction:
    """Lock the account, then write the ledger and the balance, with COMMIT."""
    with in_messages() as messages:
        balance_after = _locked_balance(messages, user_id=user_id) + amount
        if balance_after > BigIntegerField.MAX_BIGINT:
            raise BalanceOverflow
        entry = statements.charge(
            user_id=user_id,
            amount=amount,
            balance_after=balance_after,
            key=key.key if key else None,
            request_hash=key.request_hash if key else None,
        )
        ((made,), _moved) = messages.commit(entry, statements.move(user_id=user_id, amount=amount))
    return PointTransaction(
        id=made[0],
        user_id=user_id,
        type=PointTransaction.Type.CHARGE,
        amount=amount,
        balance_after=balance_after,
        created_at=made[1],
    )


def _locked_balance(messages: Messages, *, user_id: int) -> int:
    """The user's balance, their account locked; it is made first if this is the first charge."""
    lock = statements.locked_balance(user_id=user_id)
    (found,) = messages.send(lock)
    if not found:
        (members,) = messages.send(member(user_id=user_id))
        require_member(members)
        _made, found = messages.send(statements.account(user_id=user_id), lock)
    return found[0]


def require_balance(*, balance: int, total: int) -> None:
    """Raise InsufficientPoints where the balance does not cover the total."""
    if balance < total:
        raise InsufficientPoints(required=total, balance=balance)


def paid(*, user_id: int, total: int, balance_after: int) -> list[Bound[Any]]:
    """Statements that take `total` won (0 or more) off the locked account and say so in the ledger.

    They go into the transaction that has just put in the order; nothing for a total of 0.
    """
    if total == 0:
        return []
    return [
        statements.payment(user_id=user_id, amount=-total, balance_after=balance_after),
        statements.move(user_id=user_id, amount=-total),
    ]
