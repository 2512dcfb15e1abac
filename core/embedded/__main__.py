"""PostgreSQL 18 and Valkey (as Redis) out of wheels: for development and tests without their URLs set."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from core.embedded.servers import SERVICES, EmbeddedServices


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 3 if `status` finds a server not running."""
    parser = argparse.ArgumentParser(prog="python -m core.embedded", description=__doc__)
    parser.add_argument("command", choices=["url", "redis-url", "start", "stop", "status"])
    parser.add_argument("--root", type=Path, default=SERVICES.root, help="folder of the data (%(default)s)")
    chosen = parser.parse_args(arguments)
    services = EmbeddedServices(chosen.root)
    match chosen.command:
        case "url":
            sys.stdout.write(f"{services.database_url()}\n")
        case "redis-url":
            sys.stdout.write(f"{services.redis_url()}\n")
        case "start":
            services.start()
        case "stop":
            services.stop()
        case _:
            for name, runs in services.status().items():
                sys.stdout.write(f"{name}: {'running' if runs else 'stopped'}\n")
            return 0 if services.is_running() else 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
