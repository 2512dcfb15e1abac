"""manage.py recompute_rankings"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from core.commands import ShopCommand
from core.db.transactions import snapshot
from rankings import audit, services
from rankings.selectors import OnProgress

COLUMNS = (TextColumn("hours of orders"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


class Command(ShopCommand):
    """Bring the best sellers' read model up to the present, or look whether it is right."""

    help = (
        "Without options: add to the best sellers' read model what was sold since the last time, and take "
        "away what has left the window. Safe beside live orders and beside itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to build on what is stored, or to compare it."""
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--from-scratch", action="store_true", help="add up the whole window, whatever is stored"
        )
        instead.add_argument(
            "--check",
            action="store_true",
            help="change nothing; compare the sums and the ranking with a full recount, exit 1 if wrong",
        )

    def handle(self, **options: Any) -> None:
        """Do it and say what came of it. Raises CommandError, which exits with 1."""
        try:
            with _bar() as progress:
                text = _check(progress) if options["check"] else _rebuild(options["from_scratch"], progress)
        except services.HistoryKeepsChanging as error:
            raise CommandError(f"rankings were not rebuilt: {error!r}") from error
        self.stdout.write(text)


def _rebuild(from_scratch: bool, progress: OnProgress) -> str:  # noqa: FBT001
    rebuilt = services.recompute(days=settings.RANKING_DAYS, from_scratch=from_scratch, progress=progress)
    return (
        f"{rebuilt.from_at:%F %H:%M} – {rebuilt.to_at:%F %H:%M} UTC: {rebuilt.added} added, "
        f"{rebuilt.changed} changed, {rebuilt.removed} removed, {rebuilt.unchanged} right already"
    )


def _check(progress: OnProgress) -> str:
    with snapshot():
        wrong = [*audit.sums_that_differ(progress=progress), *audit.wrong_ranks(progress=progress)]
    if wrong:
        raise CommandError("\n".join(["The best sellers are not a recount of the order lines:", *wrong]))
    return "The stored sums and the ranking are a recount of the order lines."


@contextmanager
def _bar() -> Iterator[OnProgress]:
    """A bar where somebody is looking; a log would fill with it."""
    console = Console(file=sys.stderr)
    with Bar(*COLUMNS, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, parts: bar.update(task, completed=done, total=parts)
