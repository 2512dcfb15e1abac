"""manage.py recompute_rankings"""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from core.commands import ShopCommand
from core.db.replica import read_from_replica
from rankings import audit, hours, services


class Command(ShopCommand):
    """Bring the read models of sales up to the present, or check them."""

    help = (
        "Without options: add to the best sellers' read model what was sold since the last time, take away "
        "what has left the window, and store the hours that are over. Safe beside live orders and itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--from-scratch",
            action="store_true",
            help="add up the whole window and all hours, whatever is stored",
        )
        instead.add_argument(
            "--check",
            action="store_true",
            help="change nothing; compare sums, hours and the ranking with a recount, exit 1 if wrong",
        )

    def handle(self, **options: Any) -> None:
        self.stdout.write(_check() if options["check"] else _rebuild(from_scratch=options["from_scratch"]))


def _rebuild(*, from_scratch: bool) -> str:
    try:
        rebuilt = services.recompute(days=settings.RANKING_DAYS, from_scratch=from_scratch)
        hours.fill_hours(from_scratch=from_scratch)
    except services.HistoryKeepsChanging as error:
        raise CommandError(f"rankings were not rebuilt: {error!r}") from error
    return (
        f"{rebuilt.from_at:%F %H:%M} – {rebuilt.to_at:%F %H:%M} UTC: {rebuilt.added} added, "
        f"{rebuilt.changed} changed, {rebuilt.removed} removed, {rebuilt.unchanged} right already"
    )


def _check() -> str:
    checks = audit.sums_that_differ, audit.hours_that_differ, audit.wrong_ranks
    wrong = read_from_replica(lambda: [each for check in checks for each in check()], in_snapshot=True)
    if wrong:
        raise CommandError("\n".join(["The best sellers are not a recount of the order lines:", *wrong]))
    return "The stored sums and the ranking are a recount of the order lines."
