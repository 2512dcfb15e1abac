"""The users app."""

from importlib import import_module

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Who may call."""

    name = "users"
    verbose_name = "회원"

    def ready(self) -> None:
        """Tell the OpenAPI document how callers are named, and `check --deploy` what to look at."""
        import_module("users.schema")
        import_module("users.checks")
