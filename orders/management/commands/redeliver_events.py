"""manage.py redeliver_events"""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.utils.dateparse import parse_datetime

from core.commands import ShopCommand
from orders.models import OrderEvent
from orders.outbox.events import redeliver
from orders.outbox.wakeup import DELIVER_TASK
from orders.selectors import events_to_redeliver


class Command(ShopCommand):
    """Make events due now, in any state; the worker then sends them."""

    help = f"Send order events again: they become due and {DELIVER_TASK} takes them up at its next sweep."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--id", type=UUID, action="append", dest="ids", help="an event; may be repeated")
        parser.add_argument("--state", choices=OrderEvent.State.values, help="all of this state")
        parser.add_argument(
            "--since", type=_timestamp, help="ordered at or after, as in 2026-11-22T09:00+09:00"
        )
        parser.add_argument("--until", type=_timestamp, help="ordered before")
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, **options: Any) -> None:
        chosen = {name: options[name] for name in ("ids", "state", "since", "until")}
        if not any(chosen.values()):
            self.print_help("manage.py", "redeliver_events")
            raise SystemExit(2)
        events = events_to_redeliver(**chosen)
        if options["dry_run"]:
            self.stdout.write(f"{events.count()} events would be sent again")
        else:
            self.stdout.write(f"{redeliver(events=events)} events are due now")


def _timestamp(text: str) -> Any:
    # Without an offset it would be read in whatever zone the server has.
    timestamp = parse_datetime(text)
    if timestamp is None or timestamp.tzinfo is None:
        raise ValueError(text)
    return timestamp
