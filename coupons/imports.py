"""Coupons by file."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from coupons import rush
from coupons.models import Coupon
from seeding.files import Table
from seeding.outcomes import Outcome
from seeding.resources import FileResource
from seeding.rows import Line


class CouponResource(FileResource):
    """Campaigns; what people hold keeps the terms it was issued on."""

    required = ("name", "discount_type", "discount_value", "quantity")
    optional = ("max_discount", "opens_at", "closes_at")
    shown_only = ("issued", "created_at")
    unique_names = True

    class Meta:
        model = Coupon

    def import_data_inner(self, dataset: Table, dry_run: bool, *more: Any, **given: Any) -> Outcome:  # noqa: FBT001
        """What the file's rows become; they count from the next request on, in a rush too."""
        outcome = super().import_data_inner(dataset, dry_run, *more, **given)
        if not dry_run:
            transaction.on_commit(rush.forget, robust=True)
        return outcome

    def check(self, line: Line) -> None:
        """Refuse a quantity below what is issued, as the form does."""
        quantity = line.said.get("quantity")
        if line.original and quantity is not None and quantity < line.original.issued:
            line.refuse(
                self.label("quantity"),
                _("%(issued)s are issued already. The quantity cannot be less.")
                % {"issued": line.original.issued},
            )
