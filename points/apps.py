"""The points app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PointsConfig(AppConfig):
    """Balances and the ledger behind them."""

    name = "points"
    verbose_name = _("Points")
