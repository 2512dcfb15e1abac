"""The core app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    """The base of every app."""

    name = "core"

    def ready(self) -> None:
        # Problems and metrics are known once imported: before the first request, document or page.
        autodiscover_modules("problems", "metrics")
        import_module("core.checks")
