"""The rankings app."""

from django.apps import AppConfig


class RankingsConfig(AppConfig):
    """Best sellers."""

    name = "rankings"
    verbose_name = "인기 상품"
