"""Products by file."""

from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.resources import FileResource
from products.models import Product


class ProductResource(FileResource):
    """Products; one that is there already keeps its stock, which orders change meanwhile."""

    required = ("name", "price", "stock")
    shown_only = ("units_sold", "created_at")
    kept = ("stock",)
    kept_notice = _(
        "A file never changes the stock of a product that is there already. Rows that give another stock:"
        " %(rows)s. Change it on the product's page."
    )
    unique_names = True

    class Meta:
        model = Product
