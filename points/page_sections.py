"""The newest entries of a member's ledger, on the member's page."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.formatting import link, list_url, page_url, timestamp, won
from backoffice.sections import ROWS, Content, Section
from points.models import PointTransaction
from points.selectors import NEWEST_FIRST
from users.models import User


def _ledger(member: User) -> Content:
    entries = PointTransaction.objects.filter(user=member).order_by(*NEWEST_FIRST)
    return Content(
        columns=[_("Recorded at"), _("Type"), _("Amount"), _("Balance after")],
        rows=[
            (
                link(page_url(entry), timestamp(entry.created_at)),
                entry.get_type_display(),
                won(entry.amount),
                won(entry.balance_after),
            )
            for entry in entries[:ROWS]
        ],
        all_rows=list_url("points_pointtransaction", user__id__exact=member.pk),
    )


SECTIONS = [Section("users_user", 20, "points.view_pointtransaction", gettext_lazy("Point ledger"), _ledger)]
