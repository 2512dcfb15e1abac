"""The app of requests that were refused."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RefusalsConfig(AppConfig):
    """Why an order failed, for whoever is asked."""

    name = "backoffice.refusals"
    verbose_name = _("Refusals")
