"""Coupons by file."""

from datetime import UTC, datetime
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.spreadsheets.columns import Row, Spreadsheet
from coupons.models import Coupon


class CouponSpreadsheet(Spreadsheet):
    """Campaigns; issued coupons keep the terms at their issue."""

    model = Coupon
    required = ("name", "discount_type", "discount_value", "quantity")
    optional = ("max_discount", "opens_at", "closes_at")
    read_only = ("issued", "created_at")
    templates: ClassVar = {
        "new": (
            gettext_lazy("New coupons"),
            {
                "name": gettext_lazy("Opening day"),
                "discount_type": "percent",
                "discount_value": 10,
                "quantity": 100,
                "max_discount": 3000,
                "opens_at": datetime(2027, 1, 1, 0, tzinfo=UTC),
                "closes_at": datetime(2027, 1, 31, 15, tzinfo=UTC),
            },
        )
    }
    unique_names = True

    def check(self, row: Row) -> None:
        quantity = row.values.get("quantity")
        if row.stored and quantity is not None and quantity < row.stored.issued:
            row.refuse(
                "quantity",
                _("%(issued)s are issued already. The quantity cannot be less.")
                % {"issued": row.stored.issued},
            )
