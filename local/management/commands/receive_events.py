"""manage.py receive_events"""

import signal
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from local.receiver import Receiver


class Command(BaseCommand):
    """Be the data platform of this machine, until told to stop."""

    help = "Take order events like the data platform; what is signed, where DATA_PLATFORM_SECRET is set."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8100)
        parser.add_argument("--file", type=Path, default=Path(settings.BASE_DIR, ".local", "events.jsonl"))

    def handle(self, *, host: str, port: int, file: Path, **_options: Any) -> None:
        """Serve until SIGINT or SIGTERM. Raises CommandError, which exits with 1."""
        try:
            receiver = Receiver(host=host, port=port, file=file, secret=settings.DATA_PLATFORM_SECRET)
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Events posted to {receiver.url} land in {file}")
        self.stdout.flush()
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with receiver, suppress(KeyboardInterrupt):
            receiver.serve_forever()
