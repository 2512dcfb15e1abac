"""manage.py seed_demo"""

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.commands import ShopCommand
from local import demo, growth, history

COLUMNS = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


class Command(ShopCommand):
    """Fill an empty shop with demo data, or bring a shop up to a size."""

    help = (
        "Without options: fill an empty shop with a few demo users, products, coupons and orders; one with "
        "rows is left alone. With --days: the same with the history of so many days, whose events the worker "
        "delivers. With other options: bring each table that is named up to so many rows, those that are "
        "there counted; the same command again adds nothing. Orders are then placed as by the API, by the "
        "newest users, who get the points for it, beside live traffic if there is any."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=_up_to(history.MAX_DAYS), metavar="N", help="a history of so many days"
        )
        for name, most in growth.MAX_SIZES.items():
            parser.add_argument(
                f"--{name}", type=_up_to(most), metavar="N", help=f"so many {name} in all, up to {most:,}"
            )

    def handle(self, **options: Any) -> None:
        sizes = {name: options[name] for name in growth.MAX_SIZES if options.get(name) is not None}
        if sizes and options.get("days"):
            raise CommandError("--days goes with no other option.")
        try:
            with demo.alone(say=self.stderr.write):
                added = _added(sizes, days=options.get("days"))
        except demo.NotEmpty as refusal:
            self.stdout.write(f"Nothing was added, for there are {', '.join(refusal.args)} already.")
            return
        except growth.NoBuyersOrProducts as refusal:
            raise CommandError("Orders need users and products: add --users and --products.") from refusal
        counts = (f"{n:,} {name if n > 1 else name.removesuffix('s')}" for name, n in added.items())
        nothing = "Nothing was added, for there are as many already."
        self.stdout.write(f"Added {', '.join(counts)}." if added else nothing)


def _added(sizes: Mapping[str, int], *, days: int | None) -> dict[str, int]:
    if days:
        return history.seed(days=days)
    return _grow(sizes) if sizes else demo.seed()


def _grow(sizes: Mapping[str, int]) -> dict[str, int]:
    shortfall = growth.missing(sizes=sizes)
    # On a terminal alone; a log would fill with it.
    console = Console(file=sys.stderr)
    with Progress(*COLUMNS, console=console, disable=not console.is_terminal) as progress:
        tasks = {name: progress.add_task(name, total=number) for name, number in shortfall.items()}
        for name, number in growth.fill_up_to(shortfall=shortfall):
            progress.advance(tasks[name], number)
    return shortfall


def _up_to(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and int(text) <= most):
            raise ArgumentTypeError(f"{text} is not a whole number from 0 to {most:,}")
        return int(text)

    return number
