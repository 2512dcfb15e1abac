"""The products app."""

from django.apps import AppConfig


class ProductsConfig(AppConfig):
    """What is sold, and how much of it is left."""

    name = "products"
    verbose_name = "상품"
