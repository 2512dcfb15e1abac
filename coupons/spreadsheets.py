"""Coupons by file."""

from django.utils.translation import gettext as _

from backoffice.spreadsheets.validation import Row, Spreadsheet
from coupons.models import Coupon


class CouponSpreadsheet(Spreadsheet):
    """Campaigns; what people hold keeps the terms it was issued on."""

    model = Coupon
    required = ("name", "discount_type", "discount_value", "quantity")
    optional = ("max_discount", "opens_at", "closes_at")
    read_only = ("issued", "created_at")
    unique_names = True

    def check(self, row: Row) -> None:
        """Refuse a quantity below what is issued, as the form does."""
        quantity = row.values.get("quantity")
        if row.stored and quantity is not None and quantity < row.stored.issued:
            row.refuse(
                "quantity",
                _("%(issued)s are issued already. The quantity cannot be less.")
                % {"issued": row.stored.issued},
            )
