"""How the database is replicated, as the primary knows it."""

from collections.abc import Iterator
from typing import NamedTuple

from django.core import checks
from django.core.checks import CheckMessage
from prometheus_client.core import GaugeMetricFamily, Metric

from core.db import sql


class Topology(NamedTuple):
    """The server's report on itself and its standbys; `lag_seconds` is that of the last one.

    `archiving_fails` says whether the last try to archive WAL failed; None where none is archived.
    """

    is_standby: bool
    sees_all: bool
    fsync: bool
    synchronous_commit: str
    asks_for_standby: bool
    standbys: int
    sync_standbys: int
    lag_seconds: float | None
    waiting: int
    timeline: int | None
    archiving_fails: bool | None

    @property
    def state(self) -> str:
        """In one word, whether an acknowledged write is on two servers."""
        if self.is_standby:
            return "standby"
        if not self.asks_for_standby:
            return "asynchronous" if self.standbys else "single"
        if self.synchronous_commit == "local":
            return "local"
        if self.synchronous_commit == "off":
            return "asynchronous"  # no commit waits for the standby that is asked for
        if not self.sees_all:
            return "unknown"
        return "synchronous" if self.sync_standbys else "waiting"


_OF_STATE: dict[str, CheckMessage] = {
    "standby": checks.Info("DATABASE_URL leads to a standby: nothing can be written.", id="core.I001"),
    "single": checks.Info(
        "No standby: if this server is lost, so is what was acknowledged since the last backup.",
        id="core.I002",
    ),
    "asynchronous": checks.Warning(
        "Replication is asynchronous: a failover loses what was acknowledged just before.",
        hint="docs/ha.md",
        id="core.W001",
    ),
    "local": checks.Warning(
        "synchronous_commit is local: a failover loses what was acknowledged just before.",
        id="core.W002",
    ),
    "unknown": checks.Warning(
        "Nobody knows whether a synchronous standby is there.",
        hint="GRANT pg_read_all_stats to the role in DATABASE_URL.",
        id="core.W003",
    ),
    "waiting": checks.Error(
        "No synchronous standby is there: writes wait, and are answered 503.", id="core.E003"
    ),
}


def read() -> Topology:
    return Topology(*sql.one_row(sql.TOPOLOGY))


def warnings(found: Topology) -> list[CheckMessage]:
    """What can lose acknowledged writes or keeps writes waiting, most severe first."""
    messages = [*_of_this_server(found)]
    if found.state in _OF_STATE:
        messages.append(_OF_STATE[found.state])
    return sorted(messages, key=lambda message: -message.level)


def _of_this_server(found: Topology) -> Iterator[CheckMessage]:
    if not found.fsync:
        yield checks.Error(
            "fsync is off: a crash of the server loses what was acknowledged, and may ruin all of it.",
            id="core.E001",
        )
    if found.synchronous_commit == "off":
        yield checks.Error(
            "synchronous_commit is off: a crash of the server loses what was acknowledged just before.",
            id="core.E002",
        )
    if found.archiving_fails:
        yield checks.Error(
            "WAL is not archived: it fills the disk, and nothing written since can be restored.",
            hint="archive_command; PostgreSQL's log says why.",
            id="core.E005",
        )


def collect() -> Iterator[Metric]:
    found = read()
    yield GaugeMetricFamily("shop_database_standbys", "Standbys that receive WAL.", found.standbys)
    # Synchronous ones are left out where none is asked for, or where the role may not see them.
    if found.asks_for_standby and found.sees_all:
        yield GaugeMetricFamily(
            "shop_database_sync_standbys", "Of these, the synchronous ones.", found.sync_standbys
        )
    if found.lag_seconds is not None:
        yield GaugeMetricFamily(
            "shop_database_replication_lag_seconds",
            "How far the standby is behind that is furthest behind.",
            found.lag_seconds,
        )
    yield GaugeMetricFamily(
        "shop_database_sync_waits", "Sessions whose commit waits for a standby now.", found.waiting
    )
    if found.timeline is not None:
        yield GaugeMetricFamily(
            "shop_database_timeline", "The timeline of the WAL; a failover begins another.", found.timeline
        )
    if found.archiving_fails is not None:
        yield GaugeMetricFamily(
            "shop_database_archiving_fails",
            "1 while the last try to archive WAL has failed.",
            float(found.archiving_fails),
        )
