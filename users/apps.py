"""The users app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UsersConfig(AppConfig):
    """Who may call."""

    name = "users"
    verbose_name = _("Members")

    def ready(self) -> None:
        """Tell the OpenAPI document how callers are named, and `check --deploy` what to look at."""
        import_module("users.schema")
        import_module("users.checks")
