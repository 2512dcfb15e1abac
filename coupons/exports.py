"""Issued coupons as a file."""

from typing import Any

from django.db.models import Case, CharField, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.exports import Export, columns_of
from coupons.models import IN_TIME, UNUSED, IssuedCoupon

STATUSES = {"usable": _("Usable"), "used": _("Used"), "expired": _("Expired")}


def _with_status(issued: QuerySet[IssuedCoupon]) -> QuerySet[IssuedCoupon, Any]:
    """As `status_of`, by the database's clock."""
    used, usable = When(~UNUSED, then=Value("used")), When(IN_TIME, then=Value("usable"))
    return issued.annotate(status=Case(used, usable, default=Value("expired")))


ISSUED_COUPONS = Export(
    IssuedCoupon,
    columns_of(
        IssuedCoupon,
        {
            "id": _("Issued coupon id"),
            "coupon_id": _("Coupon id"),
            "name": "",
            "sequence": "",
            "user_id": _("Member id"),
            "user__name": _("Member"),
            "status": CharField(_("State"), choices=[*STATUSES.items()]),
            "discount_type": "",
            "discount_value": "",
            "max_discount": "",
            "issued_at": "",
            "expires_at": "",
            "used_at": "",
        },
    ),
    rows=_with_status,
)
