"""Reading balances and the ledger."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from core.db.exchange import send_durably, send_one
from core.db.pages import Page, PageShape
from core.db.statements import statement, variants
from core.idempotency import IdempotencyKey
from core.problems import NotRegistered
from points.models import PointTransaction
from users.models import User
from users.selectors import read_for_member

NEWEST_FIRST = ("-created_at", "-id")


@statement
def _balance_of_member(*, user_id: int) -> "QuerySet[User, int | None]":
    return User.objects.filter(pk=user_id).values_list("pointaccount__balance", flat=True)


@variants("shape")
def _ledger(
    *, user_id: int, shape: PageShape, pk: int | None, timestamp: datetime | None
) -> "QuerySet[PointTransaction, Any]":
    entries = shape.of(
        PointTransaction.objects.filter(user_id=user_id), NEWEST_FIRST, pk=pk, timestamp=timestamp
    )
    return entries.values_list("id", "type", "amount", "balance_after", "order_id", "created_at", named=True)


@statement
def _charge_made_with(*, user_id: int, key: str) -> "QuerySet[PointTransaction, PointTransaction]":
    # Locked, as `send_durably` needs.
    claimed = PointTransaction.objects.filter(user_id=user_id, idempotency_key=key)
    return claimed.select_for_update(of=("self",), no_key=True)


def balance_of(*, user_id: int) -> dict[str, int]:
    """The user and their balance in won at this moment; 0 for one who never charged. Raises NotRegistered."""
    found = send_one(_balance_of_member(user_id=user_id))
    if not found:
        raise NotRegistered
    return {"user_id": user_id, "balance": found[0] or 0}


def ledger_of(*, user_id: int, page: Page) -> list[Any]:
    """A page of the user's ledger, newest first. Raises NotRegistered."""
    return read_for_member(_ledger(user_id=user_id, **page.by_timestamp), user_id=user_id)


def charge_made_with(*, user_id: int, key: IdempotencyKey) -> PointTransaction | None:
    """The charge that the user made with this key, if any, once that is durable.

    Raises IdempotencyKeyReused.
    """
    found = send_durably(_charge_made_with(user_id=user_id, key=key.key))
    if not found:
        return None
    key.check(first_hash=found[0].request_hash)
    return found[0]
