"""Changes of a product's stock (who, when, old and new stock, reason), on the product's page."""

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.action_log import describe
from backoffice.formatting import timestamp
from backoffice.sections import ROWS, Content, Section
from products.models import Product


def _stock_changes(product: Product) -> Content:
    row = {"content_type": ContentType.objects.get_for_model(Product), "object_id": str(product.pk)}
    # The names of a stock change in the log: the field's name, or the text about the stock.
    of_stock = Q(change_message__contains='"stock"') | Q(change_message__contains='"Stock {')
    entries = LogEntry.objects.filter(of_stock, **row).select_related("user").order_by("-action_time", "-pk")
    return Content(
        columns=[_("Changed at"), _("Staff account"), _("What happened")],
        rows=[
            (timestamp(entry.action_time), entry.user.get_username(), describe(entry))
            for entry in entries[:ROWS]
        ],
        all_rows=reverse("admin:products_product_history", args=[product.pk]),
    )


SECTIONS = [
    Section("products_product", 20, "admin.view_logentry", gettext_lazy("Changes of stock"), _stock_changes)
]
