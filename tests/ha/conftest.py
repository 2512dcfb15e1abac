"""The topology of deploy/ha for all of these tests.

`pytest` leaves this folder out; `make test-ha` runs it, as root. A table of the cases lands in .local/ha.md.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.ha.case import ROWS, table
from tests.kit.ha.network import NoNamespaces
from tests.kit.ha.topology import Topology, open_topology
from tests.kit.processes import ROOT, open_folder

REPORT = ROOT / ".local" / "ha.md"


@pytest.fixture(scope="session")
def opened(django_db_blocker) -> Iterator[Topology]:
    """All machines, once; skipped in words where there can be none."""
    with django_db_blocker.unblock(), open_folder("ha") as folder:
        try:
            with open_topology(folder) as topology:
                yield topology
        except NoNamespaces as reason:
            pytest.skip(f"no network namespaces here: {reason}")
        finally:
            _keep(folder)


def _keep(folder: Path) -> None:
    """The table, and every log of this run in place of the last one's."""
    logs = ROOT / ".local" / "ha-logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    for log in [*folder.glob("*.log"), *folder.glob("*.jsonl")]:
        shutil.copyfile(log, logs / log.name)
    if ROWS:
        REPORT.write_text(table())


@pytest.fixture
def topology(opened: Topology) -> Topology:
    """Every machine well."""
    connection.close()  # it may lead to a server that is gone
    opened.mend()
    return opened
