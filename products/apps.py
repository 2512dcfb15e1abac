"""The products app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProductsConfig(AppConfig):
    """Products and their stock."""

    name = "products"
    verbose_name = _("Products")
