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
        )
        with running:
            until(lock_waiters)
            running.send_signal(signal.SIGINT)
            _output, errors = running.communicate(timeout=20)
    assert (running.returncode, errors) == (130, "Interrupted.\n")
