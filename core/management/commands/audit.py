"""manage.py audit"""

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.commands import CANNOT_RUN, ShopCommand
from core.db import topology
from core.db.audit import Finding, audit
from core.db.restore import Unsafe


class Command(ShopCommand):
    """Check every invariant of the shop in one read-only snapshot; exit with 1 where one is broken."""

    help = (
        "Check that balances, stock, coupons, orders, events and the ranking add up; exit 1 if not, 2 if a "
        "file is not the platform's."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--events", type=Path, help="the receiver's file, compared with the outbox")
        parser.add_argument(
            "--forgotten", type=Path, help="what after_restore wrote: events that only the platform has"
        )

    def handle(self, **options: Any) -> None:
        out = self.stderr if options["json"] else self.stdout
        for each in topology.warnings(topology.read()):
            out.write(f"{logging.getLevelName(each.level)}: {each.msg}")
        try:
            findings = audit(events=options["events"], forgotten=options["forgotten"])
        except Unsafe as reason:
            raise CommandError(f"Nothing was checked: {reason}", returncode=CANNOT_RUN) from reason
        as_json = json.dumps([asdict(each) for each in findings], ensure_ascii=False, indent=2)
        self.stdout.write(as_json if options["json"] else as_table(findings))
        if any(finding.violations for finding in findings):
            raise SystemExit(1)


def as_table(findings: list[Finding]) -> str:
    width = max(len(finding.rule) for finding in findings)
    lines = [f"{'rule':{width}} {'checked':>10} {'broken':>8}"]
    for finding in findings:
        lines.append(f"{finding.rule:{width}} {finding.checked:>10} {finding.violations:>8}")
        lines += [f"  {example}" for example in finding.examples]
    return "\n".join(lines)
