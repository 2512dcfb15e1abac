"""The coupons app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CouponsConfig(AppConfig):
    """First-come coupons."""

    name = "coupons"
    verbose_name = _("Coupons")
