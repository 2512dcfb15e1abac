"""Redis as Celery's broker: nothing that lies in it ends a worker, and no queue grows without bound."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from queue import Empty
from typing import Any

import structlog
from kombu.transport import redis
from prometheus_client import Counter
from redis.exceptions import ResponseError

DISCARDED_MESSAGES = Counter("shop_broker_messages_discarded_total", "Messages of no use to the worker.")

# A message only says that there is something to do, so the newest ones say as much as all. They carry no time
# at which they expire: another machine's clock would judge it than the one that set it.
LONGEST_QUEUE = 100

log = structlog.get_logger(__name__)


class Unreadable(Exception):
    """A message that says nothing to us; the text holds none of it."""


def discard(error: Exception) -> None:
    """Log and count a message that is of no use, without what it holds."""
    DISCARDED_MESSAGES.inc()
    why = str(error) if isinstance(error, Unreadable) else type(error).__name__
    log.warning("message_discarded", why=why)


class _Transport:
    """Mixed into kombu's transports, where a message that is no message would end the worker."""

    connection_errors: tuple[type[Exception], ...]
    channel_errors: tuple[type[Exception], ...]

    def on_readable(self, fileno: int) -> None:
        """Read what has come."""
        with self._discarding():
            super().on_readable(fileno)  # type: ignore[misc]

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            with self._discarding():
                super()._deliver(message, queue)  # type: ignore[misc]
        except KeyError as error:  # to kombu an error of the connection, as which it would connect again
            discard(error)

    @contextmanager
    def _discarding(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # whatever is wrong with one message, the next ones are read
            if isinstance(error, (Empty, *self.connection_errors, *self.channel_errors)):
                raise
            discard(error)


class _Channel:
    """Mixed into kombu's channels."""

    def _size(self, queue: str) -> int:
        """How many messages wait, asked at each new connection; what stands in the queue's place goes."""
        try:
            return int(super()._size(queue))  # type: ignore[misc]
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
        discard(Unreadable("a key has the queue's name, but is no list"))
        with self.conn_or_acquire() as client:  # type: ignore[attr-defined]
            client.delete(queue)
        return 0

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        """Send, and forget the oldest messages of a queue that nobody reads."""
        super()._put(queue, message, **kwargs)  # type: ignore[misc]
        with self.conn_or_acquire() as client:  # type: ignore[attr-defined]
            client.ltrim(queue, 0, LONGEST_QUEUE - 1)


@cache
def bounded(transport: type) -> type:
    """One of kombu's Redis transports with both; any other as it is."""
    if not issubclass(transport, redis.Transport):
        return transport
    channel = type("BoundedChannel", (_Channel, transport.Channel), {})
    return type("BoundedTransport", (_Transport, transport), {"Channel": channel})
