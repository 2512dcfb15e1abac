"""Reading balances and the ledger."""

from django.db.models import QuerySet

from api.idempotency import Claim
from points.models import PointAccount, PointTransaction


def balance_of(*, user_id: int) -> int:
    """The user's balance in won at this moment; 0 for one who never charged."""
    return PointAccount.objects.filter(pk=user_id).values_list("balance", flat=True).first() or 0


def transactions_of(*, user_id: int) -> QuerySet[PointTransaction]:
    """The user's ledger."""
    return PointTransaction.objects.filter(user_id=user_id)


def charge_made_with(*, user_id: int, claim: Claim) -> PointTransaction | None:
    """The charge that this key of this user made, if one did. Raises IdempotencyKeyReused."""
    made = PointTransaction.objects.filter(user_id=user_id, idempotency_key=claim.key).first()
    if made:
        claim.check(first_hash=made.request_hash)
    return made
