"""The rankings app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.metrics import collect_at_scrape


class RankingsConfig(AppConfig):
    """Best sellers."""

    name = "rankings"
    verbose_name = _("Best sellers")

    def ready(self) -> None:
        """Let Prometheus see how far the rebuild has come."""
        collect_at_scrape(import_module("rankings.metrics").RebuildCollector())
