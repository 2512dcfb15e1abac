"""Products by file."""

from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.validation import Spreadsheet
from products.models import Product


class ProductSpreadsheet(Spreadsheet):
    """Products; one that is there already keeps its stock, which orders change meanwhile."""

    model = Product
    required = ("name", "price", "stock")
    read_only = ("units_sold", "created_at")
    read_only_once_created = ("stock",)
    ignored_change = _(
        "A file never changes the stock of a product that is there already. Rows that give another stock:"
        " %(rows)s. Change it on the product's page."
    )
    unique_names = True
