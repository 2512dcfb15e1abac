"""python -m benchmarks: what the shop does a second beside what the machine and its database could do.

Each scenario runs in turn with its floor, a view that does nothing, and itself at 60 % of its speed; so do
the deliveries to the data platform at full speed, at 60 % and of a backlog. Medians of the runs count.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from benchmarks import deliveries, report, statements  # noqa: E402
from benchmarks.runs import measure  # noqa: E402
from benchmarks.scenarios import SCENARIOS  # noqa: E402
from benchmarks.stand import stand  # noqa: E402
from tests.kit.invariants import wrongs  # noqa: E402
from tests.kit.processes import open_folder  # noqa: E402

DELIVERIES = "deliveries"


def main() -> None:
    """Measure, write the report, and fail where the books are wrong or something unexpected was answered."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    names = [*SCENARIOS, DELIVERIES]
    parser.add_argument("--only", nargs="*", default=names, choices=names, metavar="NAME")
    parser.add_argument("--seconds", type=float, default=4, help="how long a run takes")
    parser.add_argument("--runs", type=int, default=3, help="how many runs the medians are of")
    parser.add_argument("--report", type=Path, default=Path(".local/bench"), help="folder to write to")
    options = parser.parse_args()
    chosen = [SCENARIOS[name] for name in options.only if name != DELIVERIES]
    length = {"seconds": options.seconds, "runs": options.runs}
    with open_folder("bench") as folder, stand(folder) as here:
        results = [measure(here, scenario, **length) for scenario in chosen]
        delivered = deliveries.measure(here, **length) if DELIVERIES in options.only else None
        taken = statements.count(here, chosen)
        broken = wrongs()
    results = [replace(result, statements=taken[result.name]) for result in results]
    report.write(results, delivered, folder=options.report)
    odd = {result.name: result.unexpected for result in results if result.unexpected}
    print(f"\naudit: {broken or 'clean'}; unexpected answers: {odd or 'none'}; report in {options.report}")
    lost = delivered.lost if delivered else 0
    sys.exit(bool(broken or odd or lost))


if __name__ == "__main__":
    main()
