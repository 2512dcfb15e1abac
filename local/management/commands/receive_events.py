"""manage.py receive_events"""

import signal
import socket
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from local.receiver import Receiver, server_of


class Command(BaseCommand):
    """Be the data platform of this machine until SIGINT or SIGTERM."""

    help = "Take order events like the data platform; what is signed, where DATA_PLATFORM_SECRET is set."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8100)
        parser.add_argument("--file", type=Path, default=Path(settings.BASE_DIR, ".local", "events.jsonl"))

    def handle(self, *, host: str, port: int, file: Path, **_options: Any) -> None:
        try:
            receiver = Receiver(file=file, secret=settings.DATA_PLATFORM_SECRET)
            listening = socket.create_server((host, port))
        except OSError as error:
            raise CommandError(str(error)) from error
        host, port = listening.getsockname()
        self.stdout.write(f"Events posted to http://{host}:{port}/events land in {file}")
        self.stdout.flush()
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        server_of(receiver, listening).run()
