"""The orders app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Checkout, orders and the events they send."""

    name = "orders"
    verbose_name = "주문"
