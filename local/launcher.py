"""The shop on this machine: preparation, running its processes, the welcome text."""

import base64
import errno
import http.client
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

from django.conf import settings

from config.celery import start_embedded_services
from config.environment import in_url, kept_secret
from config.services import conninfo
from core.embedded.language import gettext as _
from core.embedded.owner import give_to_owner
from core.embedded.processes import wait_until
from core.embedded.servers import CHECKOUT
from local import bootstrap, instances
from local.instances import LOCAL
from local.supervision import CannotRun, Supervisor
from local.welcome import ADMIN, welcome

READY_SECONDS = 60


def open_shop(echo: Callable[[str], None]) -> NoReturn:
    """Keep the shop open until a signal raises. Raises CannotRun."""
    host, port = settings.HOST, settings.PORT
    with instances.claimed(port=port) as folder:
        require_free_port(host=host, port=port)
        echo(_("pointshop is getting ready …"))
        start_embedded_services()
        prepared = bootstrap.prepare(seed=settings.SEED_DEMO)
        # Where the web processes add up what they count.
        shutil.rmtree(folder / "metrics", ignore_errors=True)
        (folder / "metrics").mkdir()
        give_to_owner(folder / "metrics", checkout=CHECKOUT)
        supervisor = Supervisor(folder=folder, environment=program_environment(), terminal=sys.stdout.buffer)
        try:
            supervisor.start()
            # An address that reaches a listener on HOST.
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared alone # nosec B104
            if wait_until(lambda: answers(host, port), supervisor.has_ended, seconds=READY_SECONDS):
                echo(
                    welcome(
                        prepared,
                        url=f"http://{in_url(host)}:{port}",
                        database=conninfo(settings.DATABASES["default"]),
                        log=folder / "shop.log",
                        events=None if settings.DATA_PLATFORM_URL else LOCAL / "events.jsonl",
                        needs_gateway_secret=bool(settings.GATEWAY_SECRET),
                    )
                )
            elif not supervisor.has_ended():
                slow = _("The shop does not answer within %d s; see the lines above.")
                raise CannotRun(slow % READY_SECONDS)
            supervisor.keep_running()
        finally:
            supervisor.stop()


def new_password() -> list[str]:
    # The shop may be closed.
    start_embedded_services()
    password = bootstrap.renew_password()
    return [_("The new password of %(name)s: %(password)s") % {"name": ADMIN, "password": password}]


def require_free_port(*, host: str, port: int) -> None:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise instances.port_taken(port=port) from error
        where = {"host": host, "port": port, "error": error}
        raise CannotRun(_("Cannot listen on %(host)s, port %(port)d: %(error)s") % where) from error


def program_environment() -> dict[str, str]:
    if settings.DATA_PLATFORM_URL:
        return {**os.environ, "SHOP_RECEIVES": "false", "SHOP_RECEIVER_PORT": "0"}
    # Where no data platform is configured, the shop brings one along.
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    own = kept_secret(
        "data_platform_secret", make=lambda: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    )
    return {
        **os.environ,
        "SHOP_RECEIVES": "true",
        "SHOP_RECEIVER_PORT": str(port),
        "DATA_PLATFORM_URL": f"http://127.0.0.1:{port}/events",
        "DATA_PLATFORM_SECRET": settings.DATA_PLATFORM_SECRET or own,
    }


def answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
