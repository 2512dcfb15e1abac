"""The app of the shop on one machine: its commands."""

from django.apps import AppConfig


class LocalConfig(AppConfig):
    """The bundled receiver and demo data."""

    name = "local"
