"""The app of files that bring rows in."""

from django.apps import AppConfig


class SpreadsheetsConfig(AppConfig):
    """Users, products and coupons by CSV and XLSX."""

    name = "backoffice.spreadsheets"
    label = "seeding"  # what its tables and permissions go by
