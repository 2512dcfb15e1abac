"""Reading balances and the ledger."""

from dataclasses import dataclass
from typing import Any

from core.db.exchange import send
from core.db.pages import Page
from core.idempotency import IdempotencyKey
from points import statements
from points.models import PointTransaction
from users.services import read_for_member, require_member


@dataclass(frozen=True)
class Balance:
    """What a user has, in won."""

    user_id: int
    balance: int


def balance_of(*, user_id: int) -> Balance:
    """The user's balance at this moment; 0 for one who never charged. Raises NotRegistered."""
    (found,) = send(statements.balance_of_member(user_id=user_id))
    require_member(found)
    return Balance(user_id, found[0] or 0)


def ledger_of(*, user_id: int, page: Page) -> list[Any]:
    """A page of the user's ledger, newest first. Raises NotRegistered."""
    return read_for_member(statements.ledger(user_id=user_id, **page.by_timestamp), user_id=user_id)


def charge_made_with(*, user_id: int, key: IdempotencyKey) -> PointTransaction | None:
    """The charge that this key of this user made, if one did. Raises IdempotencyKeyReused."""
    (found,) = send(statements.charge_made_with(user_id=user_id, key=key.key))
    if not found:
        return None
    key.check(first_hash=found[0].request_hash)
    return found[0]
