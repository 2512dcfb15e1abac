"""The app of files that bring rows in."""

from django.apps import AppConfig


class SeedingConfig(AppConfig):
    """Users, products and coupons by CSV and XLSX."""

    name = "seeding"
