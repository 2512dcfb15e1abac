"""manage.py after_restore"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.commands import CANNOT_RUN, ShopCommand
from core.conventions import modules_named
from core.db.restore import Forgotten, Known, Numbering, Unsafe, move_past, numberings, require_alone
from core.db.transactions import snapshot

MARGIN = 1_000_000


class Command(ShopCommand):
    """Make a database that was restored to a moment fit to sell: nothing is given out that somebody has."""

    help = (
        "After a restore to a moment, or a failover with asynchronous replication, and before the shop is "
        "started: tell which orders only the data platform knows, move every numbering past what may have "
        "been given out, bring up to date what is derived, and sign staff out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--events", type=Path, required=True, help="the platform's file, as for audit")
        parser.add_argument("--forgotten", type=Path, help="write the forgotten events into this new file")
        parser.add_argument(
            "--margin",
            type=_margin,
            default=MARGIN,
            help=f"more numbers than any table gave out since the moment; {MARGIN:,} unless said",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; exit 1 if a number that the platform knows was or would be given out "
            "again, 2 if that cannot be told",
        )

    def handle(self, **options: Any) -> None:
        try:
            if not options["check"]:
                require_alone()
            known = what_is_known(options["events"])
            self._tell(known.forgotten, file=options["forgotten"])
            # All of them before a word of it is written, as that may fail.
            moved = (
                []
                if options["check"]
                else [*move_past(highest_ids=known.highest_ids, margin=options["margin"])]
            )
        except (Unsafe, OSError) as reason:
            words = f"The database was left as it is: {reason}"
            raise CommandError(words, returncode=CANNOT_RUN) from reason
        if not options["check"]:
            self._bring_up_to_date(moved)
        wrong = [*known.given_twice]
        wrong += [
            f"{each.sequence}: {each.last} here, {known.highest_ids[each.model]} at the platform"
            for each in numberings()
            if each.last < known.highest_ids.get(each.model, 0)
        ]
        if wrong:
            raise CommandError("\n".join(["Numbers were or would be given out a second time:", *wrong]))

    def _tell(self, forgotten: Sequence[Forgotten], *, file: Path | None) -> None:
        if file:
            file.touch(mode=0o600, exist_ok=False)
            lines = [json.dumps(each.event, ensure_ascii=False, separators=(",", ":")) for each in forgotten]
            # Half a surrogate, which UTF-8 has not, becomes the escape that JSON has for it.
            text = "".join(f"{line}\n" for line in lines)
            file.write_text(text, encoding="utf-8", errors="backslashreplace")
        for each in forgotten:
            self.stdout.write(each.words)
        self.stdout.write(f"{len(forgotten)} orders are known to the platform alone")

    def _bring_up_to_date(self, moved: Sequence[tuple[Numbering, int]]) -> None:
        done = [app.bring_up_to_date() for app in apps_with("bring_up_to_date")]
        for numbering, number in moved:
            self.stdout.write(f"{numbering.sequence} goes on after {number}, not {numbering.last}")
        self.stdout.write("\n".join(done))


def _margin(text: str) -> int:
    if (number := int(text)) < 0:
        # argparse takes this for a wrong argument.
        raise ValueError(text)
    return number


def what_is_known(events: Path) -> Known:
    # One app alone writes the platform's file.
    (app,) = apps_with("known")
    with snapshot():
        known: Known = app.known(events=events)
    return known


def apps_with(name: str) -> Iterator[Any]:
    return (module for module in modules_named("after_restore") if hasattr(module, name))
