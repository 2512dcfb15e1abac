"""The orders app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.metrics import AT_SCRAPE


class OrdersConfig(AppConfig):
    """Checkout, orders and the events they send."""

    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        AT_SCRAPE.append(import_module("orders.metrics").OutboxCollector())
