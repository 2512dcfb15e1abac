"""Checks of PostgreSQL's servers, for `check --deploy --database default`."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, OperationalError

from core.db import topology


@checks.register(checks.Tags.database, deploy=True)
def what_can_be_lost(*, databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        return topology.warnings(topology.read())
    except OperationalError as error:
        reason = str(error).partition("\n")[0]
        return [checks.Error(f"The database: {reason}", id="core.E004")]
