#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import DatabaseError, InterfaceError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except (DatabaseError, InterfaceError) as error:  # of a command of Django's own
        if "--traceback" in sys.argv:
            raise
        from core.commands import failure_of  # needs Django set up

        failure = failure_of(error)
        sys.stderr.write(f"CommandError: {failure}\n")
        sys.exit(failure.returncode)
