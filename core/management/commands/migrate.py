"""manage.py migrate"""

import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError
from psycopg.errors import DeadlockDetected, LockNotAvailable

from core.commands import ShopCommand
from core.db.turns import alone

PATIENCE_SECONDS = 600.0
# For what waited behind the last attempt.
PAUSE_SECONDS = 2.0


class Command(ShopCommand, migrate.Command):
    """Django's, one at a time; a migration that gets no lock is tried again (config/postgresql/base.py)."""

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        last = time.monotonic() + PATIENCE_SECONDS
        with alone("migrate", alias=options["database"], say=self.stderr.write):
            while True:
                try:
                    super().handle(*args, **options)
                except OperationalError as error:
                    if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
                        raise
                    reason = str(error).partition("\n")[0]
                else:
                    return
                if time.monotonic() > last:
                    raise CommandError(f"{reason}, for {PATIENCE_SECONDS:.0f} s; pg_stat_activity says who")
                self.stderr.write(f"{reason}; it is undone, and tried again in {PAUSE_SECONDS:.0f} s")
                time.sleep(PAUSE_SECONDS)
