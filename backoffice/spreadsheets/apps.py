"""The app that imports and exports files."""

from django.apps import AppConfig


class SpreadsheetsConfig(AppConfig):
    """Users, products and coupons by CSV and XLSX."""

    name = "backoffice.spreadsheets"
    label = "seeding"  # its former name, which tables, permissions and migrations have
