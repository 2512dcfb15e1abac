"""What is said while WAL cannot be archived."""

from core.db import topology
from tests.faults.backups import Backups
from tests.kit.database import execute
from tests.kit.processes import until


def archive() -> None:
    """Begin another file, so that the last one is archived."""
    execute("SELECT pg_create_restore_point('here')")
    execute("SELECT pg_switch_wal()")


def archiving_fails() -> float | None:
    """What Prometheus is shown."""
    shown = {metric.name: metric.samples[0].value for metric in topology.collect()}
    return shown.get("shop_database_archiving_fails")


def is_an_error() -> bool:
    return "core.E005" in [each.id for each in topology.warnings(topology.read())]


def test_archive_that_cannot_be_written_to_is_an_error_until_it_can(servers, folder) -> None:
    assert archiving_fails() is None
    backups = Backups(servers, folder=folder / "backups")
    archive()
    until(lambda: any((backups.folder / "wal").iterdir()))
    assert (archiving_fails(), is_an_error()) == (0, False)
    (backups.folder / "wal").chmod(0o500)
    archive()
    until(archiving_fails)
    assert is_an_error()
    (backups.folder / "wal").chmod(0o700)
    archive()
    until(lambda: archiving_fails() == 0)
    assert not is_an_error()
