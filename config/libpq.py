"""Options that no connection could be made with, as libpq itself judges them."""

import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from psycopg.conninfo import make_conninfo
from psycopg.pq import ConnStatus, PGconn, abc

from config.environment import LONGEST_SOCKET_PATH, is_address, is_host

SOCKET = b"/.s.PGSQL.5432"
LOOPBACK = "127.0.0.1"
SWITCH = re.compile("[01]")
# Options that libpq leaves to the server or to psycopg, or reads as off for any unknown value.
VALUES = {
    "client_encoding": re.compile("utf-?8", re.IGNORECASE),
    "connect_timeout": re.compile("-?[0-9]{1,9}"),
    "gssdelegation": SWITCH,
    "keepalives": SWITCH,
    "replication": re.compile("false|off|no|0", re.IGNORECASE),  # a walsender takes none of our statements
    "sslcompression": SWITCH,
    "sslsni": SWITCH,
}
# No secret, and none of them is judged without a server.
UNJUDGED = {"dbname", "user", "password"}  # nosec B105


def unusable(parts: Mapping[str, str]) -> list[str]:
    """The options of a conninfo whose values would end every connection before the server is asked.

    Files (`sslrootcert`) may come later, and what `options` say is the server's to judge.
    """
    given = {key: value for key, value in parts.items() if key not in UNJUDGED}
    # Without a ticket of Kerberos, which may come later, "require" is refused at once.
    if given.get("gssencmode") == "require":
        given["gssencmode"] = "prefer"
    found = [key for key, value in VALUES.items() if key in given and not value.fullmatch(given[key])]
    if not all(_is_place(each) for each in given.get("host", "").split(",")):
        found.append("host")
    if not all(not each or is_address(each) for each in given.get("hostaddr", "").split(",")):
        found.append("hostaddr")
    # Of hosts that have all one port there is nothing left to judge.
    if found or (given.keys() <= {"host", "port"} and "," not in given.get("port", "")):
        return found
    # Where a variable of libpq's own (PGSSLMODE) is wrong, it begins no connection whatever the options.
    if _begins(given) or not _begins({}):
        return []
    # One wrong option is the one without which a connection begins; several are each wrong when given alone.
    return [key for key in given if _begins({other: given[other] for other in given if other != key})] or [
        key for key, value in given.items() if not _begins({key: value})
    ]


def _is_place(host: str) -> bool:
    # The folder of a socket, or (`@`) an abstract one; an empty host is libpq's default.
    if host.startswith(("/", "@")):
        return len(os.fsencode(host) + SOCKET) <= LONGEST_SOCKET_PATH
    return not host or is_host(host)


def session_options(parts: Mapping[str, str]) -> str:
    """What PostgreSQL is to set in each session: `options` of the URL or else of its service or PGOPTIONS."""
    with _beginning(parts) as started:
        found = next(each.val for each in started.info if each.keyword == b"options")
    return (found or b"").decode()


def _begins(options: Mapping[str, str]) -> bool:
    with _beginning(options) as started:
        return started.status != ConnStatus.BAD


@contextmanager
def _beginning(options: Mapping[str, str]) -> Iterator[abc.PGconn]:
    # libpq judges the options before it asks, so a listener that never answers stands for each server.
    count = (options.get("hostaddr") or options.get("host", "")).count(",") + 1
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = str(listener.getsockname()[1])
        place = {
            "host": options.get("host") or ",".join([LOOPBACK] * count),
            "hostaddr": ",".join([LOOPBACK] * count),
            "port": ",".join([port] * (options.get("port", "").count(",") + 1)),
            "password": "none",  # or libpq reads its password file # nosec B105
        }
        started = PGconn.connect_start(make_conninfo(**{**options, **place}).encode())
        try:
            yield started
        finally:
            started.finish()
