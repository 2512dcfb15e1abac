"""The coupons that a member holds, on the member's page."""

from typing import Any

from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.formatting import badge, linked, list_url, timestamp
from backoffice.sections import ROWS, Content, Section
from coupons.admin import STATUS_COLOURS
from coupons.exports import STATUSES
from coupons.models import IssuedCoupon, status_of
from coupons.selectors import NEWEST_FIRST
from users.models import User


def _coupons(member: User) -> Content:
    held: Any = IssuedCoupon.objects.filter(user=member).annotate(read_at=Now()).order_by(*NEWEST_FIRST)
    statuses = [(issued, status_of(issued, now=issued.read_at)) for issued in held[:ROWS]]
    return Content(
        columns=[_("Coupon"), _("State"), _("Expires at")],
        rows=[
            (
                linked(issued),
                badge(status, str(STATUSES[status]), STATUS_COLOURS),
                timestamp(issued.expires_at),
            )
            for issued, status in statuses
        ],
        all_rows=list_url("coupons_issuedcoupon", user__id__exact=member.pk),
    )


SECTIONS = [Section("users_user", 30, "coupons.view_issuedcoupon", gettext_lazy("Issued coupons"), _coupons)]
