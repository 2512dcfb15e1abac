"""The coupons app."""

from django.apps import AppConfig


class CouponsConfig(AppConfig):
    """First-come coupons."""

    name = "coupons"
    verbose_name = "쿠폰"
