"""The way to the platform: the lookup of its name and a connection, each within bounds."""

import socket
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

LOOKUP_SECONDS = 2
# A lookup that was given up on goes on: so few may.
LOOKUPS_AT_ONCE = 4
# To each of the addresses that a name has.
CONNECT_SECONDS = 2

# As `socket.getaddrinfo` has them.
Address = tuple[Any, Any, int, str, Any]


class Resolver:
    """Looks a host up, once for all who ask meanwhile.

    The system's resolver takes no time-out: where no name server answers, it takes half a minute and more.
    """

    def __init__(self, host: str, port: int) -> None:
        self._place = host, port
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="lookup")
        self._lock = Lock()
        self._lookup: Future[list[Address]] | None = None
        self._begun_at = 0.0

    def addresses(self) -> list[Address]:
        """Raises OSError, also where there is no answer within LOOKUP_SECONDS."""
        try:
            return self._shared_lookup().result(LOOKUP_SECONDS)
        except (TimeoutError, CancelledError):
            raise TimeoutError("no name server answered in time") from None

    def _shared_lookup(self) -> Future[list[Address]]:
        with self._lock:
            if not self._lookup or self._lookup.done() or self._begun_at < time.monotonic() - LOOKUP_SECONDS:
                if self._lookup:
                    self._lookup.cancel()  # it may not have had its turn yet
                self._lookup = self._threads.submit(socket.getaddrinfo, *self._place, type=socket.SOCK_STREAM)
                self._begun_at = time.monotonic()
            return self._lookup


def connect(addresses: list[Address], ends_at: float) -> socket.socket:
    """A connection to the first address that takes one. Raises OSError."""
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _name, address in addresses:
        timeout = min(CONNECT_SECONDS, seconds_left(ends_at))
        try:
            return _connected(socket.socket(family, kind, protocol), address, timeout)
        except OSError as error:  # this machine may lack IPv6, for one
            failure = error
    raise failure


def _connected(connection: socket.socket, address: Any, timeout: float) -> socket.socket:
    try:
        connection.settimeout(timeout)
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def seconds_left(ends_at: float) -> float:
    """Raises TimeoutError where none are."""
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the post took too long")
    return left
