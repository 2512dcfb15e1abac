"""The users app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UsersConfig(AppConfig):
    """Members, the callers of the API."""

    name = "users"
    verbose_name = _("Members")

    def ready(self) -> None:
        import_module("users.schema")
        import_module("users.checks")
