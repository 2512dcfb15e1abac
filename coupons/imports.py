"""Coupons by file."""

from django.utils.translation import gettext as _

from backoffice.spreadsheets.resources import FileResource
from backoffice.spreadsheets.rows import Line
from coupons.models import Coupon


class CouponResource(FileResource):
    """Campaigns; what people hold keeps the terms it was issued on."""

    required = ("name", "discount_type", "discount_value", "quantity")
    optional = ("max_discount", "opens_at", "closes_at")
    shown_only = ("issued", "created_at")
    unique_names = True

    class Meta:
        model = Coupon

    def check(self, line: Line) -> None:
        """Refuse a quantity below what is issued, as the form does."""
        quantity = line.said.get("quantity")
        if line.original and quantity is not None and quantity < line.original.issued:
            line.refuse(
                self.label("quantity"),
                _("%(issued)s are issued already. The quantity cannot be less.")
                % {"issued": line.original.issued},
            )
