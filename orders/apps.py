"""The orders app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.metrics import collect_at_scrape


class OrdersConfig(AppConfig):
    """Checkout, orders and the events they send."""

    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        collect_at_scrape(import_module("orders.metrics").OutboxCollector())
