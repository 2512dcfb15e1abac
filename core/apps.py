"""The core app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    """The base of every app."""

    name = "core"

    def ready(self) -> None:
        """Know every app's problems and metrics before the first request, document or page needs them."""
        autodiscover_modules("problems", "metrics")
        import_module("core.checks")
