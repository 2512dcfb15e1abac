"""The points app."""

from django.apps import AppConfig


class PointsConfig(AppConfig):
    """Balances and the ledger behind them."""

    name = "points"
    verbose_name = "포인트"
