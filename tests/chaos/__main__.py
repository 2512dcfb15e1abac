"""`python -m tests.chaos --seconds 600 --seed 1`: exit code 1 unless everything held."""

import argparse
import os
import secrets
import signal
import sys
from pathlib import Path

import django


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long the traffic lasts (%(default)s)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of faults and traffic")
    parser.add_argument(
        "--topology", choices=["one", "ha"], default="one", help="one machine, or those of deploy/ha, as root"
    )
    parser.add_argument("--report", type=Path, default=Path(".local/chaos"), help="folder (%(default)s)")
    given = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from tests.chaos.run import run  # noqa: PLC0415 - it brings the models

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return not run(topology=given.topology, seed=given.seed, seconds=given.seconds, folder=given.report)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
