"""The rankings app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RankingsConfig(AppConfig):
    """Best sellers."""

    name = "rankings"
    verbose_name = _("Best sellers")
