"""A product's pace of sales and days of cover, on the product's page."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.formatting import NOTHING, timestamp
from backoffice.sections import Content, Section
from products.models import Product
from rankings.selectors import pace_of


def _pace(product: Product) -> Content:
    pace = pace_of(product=product)
    if pace is None:
        return Content(note=_("Nothing is counted yet."))
    cover = pace.days_of_cover
    lasts = NOTHING if cover is None else _("%(days)s days") % {"days": f"{cover:,.1f}"}
    return Content(
        figures=[
            (_("Sold a day"), f"{pace.units_a_day:,.1f}"),
            (_("Days of cover"), lasts),
        ],
        note=_("By the sales of %(days)s days until %(when)s.")
        % {"days": f"{pace.days:.3g}", "when": timestamp(pace.until)},
    )


SECTIONS = [Section("products_product", 10, "products.view_product", gettext_lazy("Sales pace"), _pace)]
