"""Ctrl-C ends a command of the shop's in a line."""

import signal
import subprocess
import sys

import pytest
from django.db import transaction

from tests.kit import processes
from tests.kit.database import execute, lock_waiters
from tests.kit.processes import until


@pytest.mark.parametrize(
    ("command", "table"),
    [
        ("audit", "orders_order"),
        ("recompute_rankings", "orders_order"),
        ("redeliver_events --state dead", "orders_orderevent"),
        ("seed_demo --users 5", "users_user"),
        ("migrate", "django_migrations"),
        ("showmigrations", "django_migrations"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_interrupt_ends_a_command_with_a_line_and_no_traceback(command: str, table: str) -> None:
    with transaction.atomic():
        execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        running = subprocess.Popen(
            [sys.executable, "manage.py", *command.split()],
            cwd=processes.ROOT,
            env=processes.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # As from a terminal: what a job in the background starts ignores it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads yet
        )
        try:
            until(lock_waiters)
            running.send_signal(signal.SIGINT)
            _output, errors = running.communicate(timeout=20)
        finally:
            running.kill()
    assert (running.returncode, errors) == (130, "Interrupted.\n")
