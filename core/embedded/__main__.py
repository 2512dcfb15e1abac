"""PostgreSQL 18 and Valkey (as Redis) out of wheels: for development and tests without their URLs set."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from core.embedded.servers import SERVICES, EmbeddedServices


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; its exit code, 3 if `status` finds a server not running."""
    parser = argparse.ArgumentParser(prog="python -m core.embedded", description=__doc__)
    parser.add_argument("command", choices=["url", "redis-url", "start", "stop", "status"])
    parser.add_argument("--root", type=Path, default=SERVICES.root, help="folder of the data (%(default)s)")
    chosen = parser.parse_args(arguments)
    services = EmbeddedServices(chosen.root)
    answer = ""
    if chosen.command == "url":
        answer = services.database_url()
    elif chosen.command == "redis-url":
        answer = services.redis_url()
    elif chosen.command == "start":
        services.start()
    elif chosen.command == "stop":
        services.stop()
    else:
        running = services.status()
        answer = "\n".join(f"{name}: {'running' if runs else 'stopped'}" for name, runs in running.items())
    print(answer, end="\n" if answer else "")  # noqa: T201 what the command is for
    return 3 if chosen.command == "status" and not services.is_running() else 0


if __name__ == "__main__":
    sys.exit(main())
