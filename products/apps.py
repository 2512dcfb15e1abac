"""The products app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProductsConfig(AppConfig):
    """What is sold, and how much of it is left."""

    name = "products"
    verbose_name = _("Products")
