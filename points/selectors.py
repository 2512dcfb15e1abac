"""Reading balances and the ledger."""

from django.db.models import QuerySet

from points.models import PointAccount, PointTransaction


def balance_of(*, user_id: int) -> int:
    """The user's balance in won at this moment; 0 for one who never charged."""
    return PointAccount.objects.filter(pk=user_id).values_list("balance", flat=True).first() or 0


def transactions_of(*, user_id: int) -> QuerySet[PointTransaction]:
    """The user's ledger."""
    return PointTransaction.objects.filter(user_id=user_id)


def charge_made_with(*, user_id: int, key: str) -> PointTransaction | None:
    """The charge that this key of this user made, if one did."""
    return PointTransaction.objects.filter(user_id=user_id, idempotency_key=key).first()
