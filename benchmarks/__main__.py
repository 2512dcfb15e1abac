"""python -m benchmarks: what the shop does a second beside what the machine and its database could do.

Each scenario runs in turn with its floor and with a view that does nothing, several times; medians count.
"""

import argparse
import os
import sys
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from benchmarks import report  # noqa: E402
from benchmarks.scenarios import SCENARIOS, measure  # noqa: E402
from benchmarks.stand import stand  # noqa: E402
from tests.invariants import wrongs  # noqa: E402
from tests.processes import open_folder  # noqa: E402


def main() -> None:
    """Measure, write the report, and fail where the books are wrong or something unexpected was answered."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument(
        "--only", nargs="*", default=list(SCENARIOS), choices=list(SCENARIOS), metavar="SCENARIO"
    )
    parser.add_argument("--seconds", type=float, default=8, help="how long a run takes")
    parser.add_argument("--runs", type=int, default=3, help="how many runs the medians are of")
    parser.add_argument("--report", type=Path, default=Path(".local/bench"), help="folder to write to")
    options = parser.parse_args()
    with open_folder("bench") as folder, stand(folder) as here:
        results = [
            measure(here, SCENARIOS[name], seconds=options.seconds, runs=options.runs)
            for name in options.only
        ]
        broken = wrongs()
    report.write(results, folder=options.report)
    odd = {result.name: result.unexpected for result in results if result.unexpected}
    print(f"\naudit: {broken or 'clean'}; unexpected answers: {odd or 'none'}; report in {options.report}")
    sys.exit(bool(broken or odd))


if __name__ == "__main__":
    main()
