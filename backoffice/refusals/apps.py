"""The app that records refused requests."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RefusalsConfig(AppConfig):
    """Refused requests, kept so that staff can find out why one failed."""

    name = "backoffice.refusals"
    verbose_name = _("Refusals")
