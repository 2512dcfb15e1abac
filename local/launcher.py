"""`make run`: the whole shop on this machine until Ctrl-C; also `make stop`, `reset` and `password`."""

import argparse
import base64
import errno
import http.client
import os
import resource
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from core.embedded.language import gettext as _
from core.embedded.processes import wait_until
from core.embedded.programs import EmbeddedServicesUnavailable
from core.embedded.servers import SERVICES
from local import instances
from local.instances import LOCAL, CannotRun
from local.supervision import Supervisor, SupervisorFailed
from local.welcome import ADMIN, Prepared, Welcome

EVENTS = LOCAL / "events.jsonl"
READY_SECONDS = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; its exit code: 0 when told to stop, 1 when the shop cannot open."""
    commands: dict[str, Callable[[], list[str]]] = {
        "shop": open_shop,
        "stop": instances.stop,
        "reset": instances.reset,
        "password": new_password,
    }
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", nargs="?", choices=commands, default="shop")
    command = parser.parse_args(arguments).command
    install_signal_handlers()
    close_to_other_accounts()
    try:
        echo(*commands[command]())
    except KeyboardInterrupt:
        echo(_("The shop is closed."))
    except (CannotRun, ImproperlyConfigured, EmbeddedServicesUnavailable) as reason:
        echo(str(reason))
        return 1
    return 0


def install_signal_handlers() -> None:
    """The first SIGINT, SIGTERM or SIGHUP raises KeyboardInterrupt; the next ones do not disturb the end."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # not under nohup
        signals.append(signal.SIGHUP)

    def interrupt(*_: object) -> None:
        for each in signals:
            signal.signal(each, lambda *_: None)
        raise KeyboardInterrupt

    for each in signals:
        signal.signal(each, interrupt)


def close_to_other_accounts() -> None:
    """Close what the processes write to other accounts; no crash leaves their memory behind."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def echo(*lines: str) -> None:
    """Print, in UTF-8 whatever the locale, also where the reader is gone."""
    with suppress(OSError):
        sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode())
        sys.stdout.buffer.flush()


def open_shop() -> NoReturn:
    """Prepare everything, then keep the shop open until a signal raises. Raises CannotRun."""
    load_environment()
    host, port = settings.HOST, settings.PORT
    with instances.claimed(port=port) as folder:
        require_free_port(host=host, port=port)
        echo(_("pointshop is getting ready …"))
        with usable_database() as bootstrap:
            prepared = bootstrap.prepare(seed=settings.SEED_DEMO)
        # Where the web processes add up what they count.
        shutil.rmtree(folder / "metrics", ignore_errors=True)
        (folder / "metrics").mkdir()
        supervisor = Supervisor(folder=folder, environment=program_environment(), terminal=sys.stdout.buffer)
        try:
            supervisor.start()
            await_ready(supervisor, host=host, port=port)
            echo(welcome(prepared, log=folder / "shop.log", host=host, port=port))
            supervisor.keep_running()
        except SupervisorFailed as failure:
            raise CannotRun(_("supervisord ends at once; see the lines above.")) from failure
        finally:
            supervisor.stop()


def new_password() -> list[str]:
    """Give the administrator another password, whether or not the shop is open. Raises CannotRun."""
    load_environment()
    with usable_database() as bootstrap:
        password = bootstrap.renew_password()
    return [_("The new password of %(name)s: %(password)s") % {"name": ADMIN, "password": password}]


def load_environment() -> None:
    """Settings from the environment, else from `.env`, else as fits one's own shop. Raises SettingsError."""
    from config import environment  # noqa: PLC0415 - reads `.env`, without which the shop can be stopped

    os.environ.setdefault("DEBUG", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if environment.text("DATABASE_URL") and environment.text("REDIS_URL"):
        os.environ["EMBEDDED_SERVICES"] = "0"


@contextmanager
def usable_database() -> Iterator[ModuleType]:
    """`local.bootstrap`, with Django and the embedded services, if they are wanted. Raises CannotRun."""
    django.setup()
    if settings.EMBEDDED_SERVICES:
        SERVICES.ensure_running()
    from local import bootstrap  # noqa: PLC0415 - models need django.setup()

    try:
        yield bootstrap
    except DatabaseError as error:
        raise CannotRun(_("The database is not usable: %s") % error) from error


def program_environment() -> dict[str, str]:
    """That of the shop's programs, with a data platform on this machine where none is configured."""
    if settings.DATA_PLATFORM_URL:
        return {**os.environ, "SHOP_RECEIVES": "false", "SHOP_RECEIVER_PORT": "0"}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return {
        **os.environ,
        "SHOP_RECEIVES": "true",
        "SHOP_RECEIVER_PORT": str(port),
        "DATA_PLATFORM_URL": f"http://127.0.0.1:{port}/events",
        "DATA_PLATFORM_SECRET": settings.DATA_PLATFORM_SECRET or webhook_secret(),
    }


def webhook_secret() -> str:
    """The secret that events to the local data platform are signed with, made once."""
    file = LOCAL / "data_platform_secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())
    return file.read_text()


def require_free_port(*, host: str, port: int) -> None:
    """Raises CannotRun where another process listens already, or none can."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise instances.port_taken(port=port) from error
        where = {"host": host, "port": port, "error": error}
        raise CannotRun(_("Nobody can listen on %(host)s, port %(port)d: %(error)s") % where) from error


def await_ready(supervisor: Supervisor, *, host: str, port: int) -> None:
    """Return once the shop answers. Raises CannotRun after READY_SECONDS, and SupervisorFailed."""
    ready = wait_until(
        lambda: answers(host=host, port=port), lambda: not supervisor.is_running(), seconds=READY_SECONDS
    )
    if not ready and supervisor.is_running():
        raise CannotRun(_("The shop does not answer within %d s; see the lines above.") % READY_SECONDS)
    if not ready:
        raise SupervisorFailed


def answers(*, host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(reachable(host), port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def reachable(host: str) -> str:
    """An address that leads to who listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on # nosec B104


def welcome(prepared: Prepared, *, log: Path, host: str, port: int) -> str:
    """What the terminal shows once the shop is open."""
    from config.environment import in_url  # noqa: PLC0415 - as in load_environment
    from config.services import conninfo  # noqa: PLC0415

    return str(
        Welcome(
            prepared,
            url=f"http://{in_url(reachable(host))}:{port}",
            database=conninfo(settings.DATABASES["default"]),
            log=log,
            events=None if settings.DATA_PLATFORM_URL else EVENTS,
            needs_gateway_secret=bool(settings.GATEWAY_SECRET),
        )
    )
