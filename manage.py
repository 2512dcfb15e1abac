#!/usr/bin/env python
"""Django's command line."""

import os
import sys

# As a shell tells of a process that SIGINT ended.
INTERRUPTED = 130


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Here, because Ctrl-C may come while they are imported, too.
    from django.core.management import execute_from_command_line  # noqa: PLC0415
    from django.db import DatabaseError, InterfaceError  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except (DatabaseError, InterfaceError) as error:  # of a command of Django's own
        if "--traceback" in sys.argv:
            raise
        from core.commands import failure_of  # noqa: PLC0415 - needs Django set up

        failure = failure_of(error)
        sys.stderr.write(f"CommandError: {failure}\n")
        sys.exit(failure.returncode)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(INTERRUPTED)
