"""The base of the shop's management commands."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from core.db.transactions import database_problem
from core.problems import Busy, Unavailable

# EX_TEMPFAIL of sysexits.h: run it again later. 1 means that something is wrong.
TRY_LATER = 75
# As for wrong arguments: nothing was checked or done.
CANNOT_RUN = 2


class ShopCommand(BaseCommand):
    """A command that reports a failure of the database in one line; with --traceback, in full."""

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except (Busy, Unavailable) as problem:
            raise _failure(problem.__cause__ or problem, returncode=TRY_LATER) from problem
        except (DatabaseError, InterfaceError) as error:
            raise failure_of(error) from error


def failure_of(error: DatabaseError | InterfaceError) -> CommandError:
    """The error in one line, with TRY_LATER where the database is away, read-only or busy."""
    return _failure(error, returncode=TRY_LATER if database_problem(error) else 1)


def _failure(reason: BaseException, *, returncode: int) -> CommandError:
    first_line = str(reason).partition("\n")[0]
    return CommandError(f"The database: {first_line}", returncode=returncode)
