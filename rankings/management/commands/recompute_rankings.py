"""manage.py recompute_rankings"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from api.problems import Problem
from rankings import services


class Command(BaseCommand):
    """Rebuild the best sellers' read model from the order lines, beside live traffic."""

    help = "Rebuild the best sellers' read model from the order lines, beside live orders and beside itself."

    def handle(self, **_options: Any) -> None:
        """Rebuild and say what changed. Raises CommandError, which exits with 1."""
        try:
            rebuilt = services.recompute(days=settings.RANKING_DAYS)
        except (services.HistoryKeepsChanging, Problem, DatabaseError) as error:
            raise CommandError(f"rankings were not rebuilt: {error!r}") from error
        self.stdout.write(
            f"{rebuilt.from_at:%F %H:%M} – {rebuilt.to_at:%F %H:%M} UTC: {rebuilt.added} added, "
            f"{rebuilt.changed} changed, {rebuilt.removed} removed, {rebuilt.unchanged} right already"
        )
