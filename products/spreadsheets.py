"""Products by file."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import BigIntegerField, CharField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice import action_log
from backoffice.spreadsheets.columns import Row, Spreadsheet
from products.models import Product


class ProductSpreadsheet(Spreadsheet):
    """Products; an existing one's stock changes by differences, as orders change it meanwhile."""

    model = Product
    required = ("name", "price", "stock")
    read_only = ("units_sold", "created_at")
    read_only_once_created = ("stock",)
    ignored_change = _(
        "A file never sets the stock of an existing product. Rows that give another stock:"
        " %(rows)s. Write the difference into the column “Adjust stock by”."
    )
    extra = (
        BigIntegerField(
            _("Adjust stock by"),
            name="stock_change",
            help_text=_("for existing products: 5 adds five, -5 takes five"),
        ),
        CharField(
            _("Reason"), name="reason", max_length=200, help_text=_("required where the stock is adjusted")
        ),
    )
    adjusts: ClassVar = {"stock_change": "stock"}
    templates: ClassVar = {
        "new": (_("New products"), {"name": _("Americano"), "price": 4500, "stock": 100}),
        "restock": (
            _("Adjusting stock"),
            {"id": 1, "stock_change": 50, "reason": _("Restocked")},
        ),
    }
    unique_names = True

    def check(self, row: Row) -> None:
        if row.extra.get("stock_change") and not row.errors:
            self._check_difference(row, by=row.extra["stock_change"])
        price, before = row.values.get("price"), row.stored and row.stored.price
        if price == 0 and before != 0:
            row.warnings["price"] = gettext("A price of 0: is that right?")
        elif price and before and price >= 10 * before:
            row.warnings["price"] = gettext("Ten times the old price or more: is that right?")
        elif price and before and price * 10 <= before:
            row.warnings["price"] = gettext("A tenth of the old price or less: is that right?")

    def _check_difference(self, row: Row, *, by: int) -> None:
        if row.stored is None:
            row.refuse("stock_change", gettext("There is no such product. Give a new one its first stock."))
            return
        if not row.extra.get("reason"):
            row.refuse("reason", gettext("Say why the stock changes."))
        try:
            row.stored.check_stock_change(by)
        except ValidationError as error:
            row.refuse("stock_change", error)

    def log_parts(self, row: Row) -> list[dict[str, Any]]:
        parts = super().log_parts(row)
        if row.extra:
            by, reason, before = row.extra["stock_change"], row.extra["reason"], row.stored.stock
            after = {"stock": before + by}
            parts.append(action_log.changes(Product, {"stock": before}, after, reason=reason))
        return parts
