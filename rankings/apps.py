"""The rankings app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.metrics import AT_SCRAPE


class RankingsConfig(AppConfig):
    """Best sellers."""

    name = "rankings"
    verbose_name = _("Best sellers")

    def ready(self) -> None:
        """Let Prometheus see how far the rebuild has come."""
        AT_SCRAPE.append(import_module("rankings.metrics").RebuildCollector())
