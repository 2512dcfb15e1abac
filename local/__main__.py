"""`make run`: the whole shop on this machine until Ctrl-C; also `make stop`, `reset` and `password`."""

import argparse
import os
import resource
import signal
import sys
from contextlib import suppress

import django
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from core.embedded.language import gettext as _
from core.embedded.programs import EmbeddedServicesUnavailable
from local import instances
from local.supervision import CannotRun


def main() -> int:
    """The exit code: 0 when it was told to stop or all is done, 1 when the command is not possible."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    choices = ("shop", "stop", "reset", "password")
    parser.add_argument("command", nargs="?", choices=choices, default="shop")
    command = parser.parse_args().command
    install_signal_handlers()
    # What the processes write is closed to other accounts, and no crash leaves their memory behind.
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    try:
        echo(*done_by(command))
    except KeyboardInterrupt:
        echo(_("The shop is closed."))
    except (CannotRun, ImproperlyConfigured, EmbeddedServicesUnavailable) as reason:
        echo(str(reason))
        return 1
    except DatabaseError as error:
        echo(_("The database is not usable: %s") % error)
        return 1
    return 0


def done_by(command: str) -> list[str]:
    if command == "stop":
        return instances.stop()
    if command == "reset":
        return instances.reset()
    # Settings from the environment, else from `.env`, else as fits one's own shop.
    os.environ.setdefault("DEBUG", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from local import launcher  # noqa: PLC0415 - needs usable settings, without which the shop can be stopped

    return launcher.new_password() if command == "password" else launcher.open_shop(echo)


def install_signal_handlers() -> None:
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # not under nohup
        signals.append(signal.SIGHUP)

    def interrupt(*_: object) -> None:
        # The next ones must not disturb the end.
        for each in signals:
            signal.signal(each, lambda *_: None)
        raise KeyboardInterrupt

    for each in signals:
        signal.signal(each, interrupt)


def echo(*lines: str) -> None:
    # In UTF-8 whatever the locale; the reader may be gone.
    with suppress(OSError):
        sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
