"""The api app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ApiConfig(AppConfig):
    """The HTTP dialect that every endpoint speaks."""

    name = "api"

    def ready(self) -> None:
        """Know every app's problems before the first request, document or page needs them."""
        autodiscover_modules("problems")
