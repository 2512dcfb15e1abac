"""Balances and the ledger as files."""

from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.exports import Export, columns_of
from points.models import PointAccount, PointTransaction

BALANCES = Export(
    PointAccount,
    columns_of(PointAccount, {"user_id": _("Member id"), "user__name": _("Member"), "balance": ""}),
)
LEDGER = Export(
    PointTransaction,
    columns_of(
        PointTransaction,
        {
            "id": _("Ledger entry id"),
            "created_at": "",
            "user_id": _("Member id"),
            "user__name": _("Member"),
            "type": "",
            "amount": "",
            "balance_after": "",
            "order_id": _("Order id"),
        },
    ),
)
