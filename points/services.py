"""Moving points: a charge comes in, a payment goes out, the ledger says why."""

from django.db.models import BigIntegerField

from api.idempotency import Claim, Outcome, once
from api.transactions import Conflict, unit_of_work
from points import selectors
from points.models import PointAccount, PointTransaction
from points.problems import BalanceOverflow, InsufficientPoints


def charge(*, user_id: int, amount: int, claim: Claim | None = None) -> Outcome[PointTransaction]:
    """Credit `amount` won (at least 1) to the user, once for a claimed key.

    Raises BalanceOverflow, Busy, or IdempotencyKeyReused where the key came with another body before.
    """
    return once(
        claim=claim,
        work=lambda: _credit(user_id=user_id, amount=amount, claim=claim),
        find=lambda made: selectors.charge_made_with(user_id=user_id, claim=made),
    )


@unit_of_work
def _credit(*, user_id: int, amount: int, claim: Claim | None) -> PointTransaction:
    balance_after = _locked_account(user_id=user_id).balance + amount
    if balance_after > BigIntegerField.MAX_BIGINT:
        raise BalanceOverflow
    PointAccount.objects.move(user_id=user_id, amount=amount)
    return PointTransaction.objects.create(
        user_id=user_id,
        type=PointTransaction.Type.CHARGE,
        amount=amount,
        balance_after=balance_after,
        idempotency_key=claim.key if claim else None,
        request_hash=claim.request_hash if claim else None,
    )


def _locked_account(*, user_id: int) -> PointAccount:
    """The user's account, locked; made first if this is the first charge."""
    if account := PointAccount.objects.locked(user_id=user_id).first():
        return account
    PointAccount.objects.open_for(user_id=user_id)
    return PointAccount.objects.locked(user_id=user_id).get()


def spend(*, user_id: int, total: int) -> int:
    """Take `total` won (0 or more) off the user's balance within the caller's transaction; the balance left.

    From here on the user's other charges and payments wait for this transaction.
    Raises InsufficientPoints; Conflict where a charge changed the balance under our eyes.
    """
    if total == 0:
        return selectors.balance_of(user_id=user_id)
    left = PointAccount.objects.withdraw(user_id=user_id, amount=total)
    if left is None:
        require_balance(balance=selectors.balance_of(user_id=user_id), total=total)
        raise Conflict  # a charge came in between the two
    return left


def require_balance(*, balance: int, total: int) -> None:
    """Raise InsufficientPoints where the balance does not cover the total."""
    if balance < total:
        raise InsufficientPoints(required=total, balance=balance)


def record_payment(*, user_id: int, order_id: int, total: int, balance_after: int) -> None:
    """Write what `spend` took into the ledger, once the order exists; nothing for a total of 0."""
    if total:
        PointTransaction.objects.record_payment(
            user_id=user_id, order_id=order_id, total=total, balance_after=balance_after
        )
