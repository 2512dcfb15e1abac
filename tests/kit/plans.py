"""The plans of the statements that a call sends, and how many rows each of their scans looked at.

Just before a statement is run, EXPLAIN ANALYZE runs it and undoes it.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection

from tests.kit.database import TABLES

BIG = {*TABLES} - {"coupons_coupon"}
# A hundred orders of five lines, the longest page there is.
FEW = 500
REMOVED = ("Rows Removed by Filter", "Rows Removed by Index Recheck")

Call = Callable[[], Any]


@dataclass(frozen=True)
class Run:
    """A statement that was run, and the steps of its plan."""

    sql: str
    steps: list[dict[str, Any]]

    def of(self, table: str) -> list[dict[str, Any]]:
        """Its scans of a table."""
        scans = [step for step in self.steps if step["Node Type"].endswith("Scan")]
        return [scan for scan in scans if scan.get("Relation Name") == table]

    def wide(self) -> list[str]:
        """Its scans that look at more than FEW rows of a big table, or at the whole of it."""
        return [
            f"{step['Node Type']} of {table}, {looked_at(step):.0f} rows: {self.sql}"
            for table in sorted(BIG)
            for step in self.of(table)
            if step["Node Type"] == "Seq Scan" or looked_at(step) > FEW
        ]


def runs(call: Call) -> list[Run]:
    """The statements that a call sends, but for those that open and end transactions."""
    seen: list[Run] = []

    def look(execute: Call, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's
        if sql.split(maxsplit=1)[0] in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}:
            seen.append(Run(sql, [*steps(explained(sql, params[0] if many else params))]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        call()
    return seen


def explained(sql: str, params: Any) -> dict[str, Any]:
    """The plan of a statement with what happened in it; nothing has happened afterwards."""
    raw = connection.connection
    kind: Any = psycopg.RawCursor if re.search(r"\$\d", sql) else psycopg.Cursor
    try:
        with raw.transaction(force_rollback=True), kind(raw) as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            ((plan,),) = cursor.fetchall()
    except psycopg.IntegrityError:
        return {"Node Type": "refused"}  # as the statement itself will be
    (top,) = json.loads(plan) if isinstance(plan, str) else plan
    return dict(top["Plan"])


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's steps."""
    yield plan
    for part in plan.get("Plans", []):
        yield from steps(part)


def looked_at(step: dict[str, Any]) -> float:
    """How many rows a scan fetched, those included that it then threw away."""
    return float(step["Actual Loops"]) * sum(step.get(rows, 0) for rows in ("Actual Rows", *REMOVED))


def wide_reads(call: Call) -> list[str]:
    """The wide scans of all that a call sends."""
    sent = runs(call)
    assert sent
    return [wide for run in sent for wide in run.wide()]


def assert_narrow(call: Call) -> None:
    assert wide_reads(call) == []
