"""A balance is the sum of its ledger."""

from collections.abc import Iterator

from django.db.models import F, Sum

from core.db.audit import Rule
from points.models import PointAccount, PointTransaction


def _balances_that_differ() -> Iterator[str]:
    accounts = PointAccount.objects.annotate(ledger=Sum("user__pointtransaction__amount", default=0))
    for account in accounts.exclude(balance=F("ledger")).order_by("pk").iterator():
        yield f"user {account.pk}: balance {account.balance}, ledger {account.ledger}"  # type: ignore[attr-defined]


def _ledgers_without_account() -> Iterator[str]:
    orphans = PointTransaction.objects.filter(user__pointaccount=None).order_by("user_id")
    for user_id in orphans.values_list("user_id", flat=True).distinct().iterator():
        yield f"user {user_id}: a ledger without an account"


RULES = [
    Rule("balance_equals_ledger", PointAccount.objects.count, _balances_that_differ),
    Rule("ledger_has_account", PointTransaction.objects.count, _ledgers_without_account),
]
