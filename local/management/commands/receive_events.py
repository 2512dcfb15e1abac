"""manage.py receive_events"""

import signal
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from local.receiver import Behaviour, InvalidBehaviour, Receiver


class Command(BaseCommand):
    """Be the data platform of this machine, until told to stop."""

    help = (
        "Take order events like the data platform. PUT /behaviour changes at run time what the options say, "
        "for who sends DATA_PLATFORM_SECRET as a bearer token."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen and write, and how to misbehave."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8100)
        parser.add_argument("--file", type=Path, default=Path(settings.BASE_DIR, ".local", "events.jsonl"))
        parser.add_argument("--status", type=int, help="answer this status; outside 2xx no event is taken")
        parser.add_argument("--delay", type=float, default=0, help="wait so many seconds first")
        parser.add_argument("--reset", action="store_true", help="reset the connection instead of answering")
        parser.add_argument("--retry-after", type=int, help="answer this header, in seconds")
        parser.add_argument("--times", type=int, help="misbehave to so many requests only")

    def handle(self, **options: Any) -> None:
        """Serve until SIGINT or SIGTERM. Raises CommandError, which exits with 1."""
        names = ("status", "delay", "reset", "retry_after", "times")
        try:
            behaviour = Behaviour.described_by(data={name: options[name] for name in names})
            receiver = self._receiver(behaviour=behaviour, **options)
        except (InvalidBehaviour, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Events posted to {receiver.url} land in {receiver.journal.file}")
        self.stdout.flush()
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with receiver, suppress(KeyboardInterrupt):
            receiver.serve_forever()

    def _receiver(self, *, behaviour: Behaviour, **options: Any) -> Receiver:
        return Receiver(
            host=options["host"],
            port=options["port"],
            file=options["file"],
            secret=settings.DATA_PLATFORM_SECRET,
            behaviour=behaviour,
        )
