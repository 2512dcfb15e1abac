"""Releases after today's, each a copy with a step of a column's life: it comes, is filled, and goes."""

import operator
import shutil
import subprocess
import sys
from itertools import accumulate
from pathlib import Path

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.kit.processes import ROOT, environment

MODEL = '    class Meta:\n        verbose_name = _("order")\n'
HEAD = """
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

THERE = models.CheckConstraint(condition=models.Q(channel__isnull=False), name="order_channel_there")


def fill(apps, editor):
    with editor.connection.cursor() as cursor:
        while True:
            cursor.execute(
                "UPDATE orders_order SET channel = 'web' WHERE id IN (SELECT id FROM orders_order"
                " WHERE channel IS NULL ORDER BY id LIMIT 100 FOR NO KEY UPDATE)"
            )
            if not cursor.rowcount:
                return


class Migration(migrations.Migration):
    dependencies = [("orders", "{before}")]
    atomic = {atomic}
    operations = [{operation}]
"""
# The release before writes no channel, so it may be null until that release is gone.
ADDED = ['migrations.AddField("order", "channel", models.CharField(max_length=10, null=True))']
FILLED = [
    'migrations.AlterField("order", "channel", models.CharField(max_length=10, null=True, db_default="web"))',
    "migrations.RunPython(fill)",
    'AddConstraintNotValid("order", THERE)',
    'ValidateConstraint("order", "order_channel_there")',
    # By SQL: Django's own would first look for rows without one, all through the table.
    (
        'migrations.RunSQL("ALTER TABLE orders_order ALTER COLUMN channel SET NOT NULL", state_operations=['
        'migrations.AlterField("order", "channel", models.CharField(max_length=10, db_default="web"))])'
    ),
    'migrations.RemoveConstraint("order", "order_channel_there")',
]
# The release before writes it, so it stays in the database, with its default, until that release is gone.
FORGOTTEN = [
    'migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("order", "channel")])'
]
DROPPED = ['migrations.RunSQL("ALTER TABLE orders_order DROP COLUMN channel")']


class Release:
    """A checkout with migrations of its own, and perhaps with the column in its code."""

    def __init__(self, folder: Path, *, steps: list[str], column: str = "") -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns(".*", "docs", "benchmarks", "tests")
        shutil.copytree(ROOT, folder, ignore=ignored, symlinks=True)
        models = folder / "orders" / "models.py"
        assert models.read_text().count(MODEL) == 1
        models.write_text(models.read_text().replace(MODEL, f"{column}\n{MODEL}"))
        self._add_migrations(steps)

    def _add_migrations(self, steps: list[str]) -> None:
        ((_, before),) = MigrationLoader(connection).graph.leaf_nodes("orders")
        for number, operation in enumerate(steps, start=9001):
            said = HEAD.replace("{before}", before).replace("{operation}", operation)
            text = said.replace("{atomic}", str("RunPython" not in operation))
            before = f"{number}_rehearsed"
            (self.folder / "orders" / "migrations" / f"{before}.py").write_text(text)

    def migrate(self) -> None:
        """Bring the tables to this release, as an operator does before its processes start."""
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        done = subprocess.run(
            command, cwd=self.folder, env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def releases(folder: Path) -> list[Release]:
    """Today's, and four that come after it."""
    null = '    channel = models.CharField(max_length=10, null=True, default="web")\n'
    filled = '    channel = models.CharField(max_length=10, default="web", db_default="web")\n'
    columns = ["", null, filled, "", ""]
    steps = [[], ADDED, FILLED, FORGOTTEN, DROPPED]
    so_far = accumulate(steps, operator.add)
    return [
        Release(folder / str(number), steps=each, column=column)
        for number, (column, each) in enumerate(zip(columns, so_far, strict=True))
    ]
