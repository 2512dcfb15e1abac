"""Redis as Celery's broker: nothing that lies in it ends a worker, and no queue grows without bound."""

from queue import Empty
from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis
from prometheus_client import Counter
from redis.exceptions import ResponseError

DISCARDED_MESSAGES = Counter("shop_broker_messages_discarded_total", "Messages of no use to the worker.")

# A message only says that there is something to do, so the newest ones say as much as all. They carry no time
# at which they expire: another machine's clock would judge it than the one that set it.
LONGEST_QUEUE = 100

log = structlog.get_logger(__name__)


def _discard(error: Exception) -> None:
    """Log and count a message that is of no use, without what it holds."""
    DISCARDED_MESSAGES.inc()
    log.warning("message_discarded", why=type(error).__name__)


class _Channel:
    """Mixed into kombu's channels."""

    def _size(self, queue: str) -> int:
        """How many messages wait, asked at each new connection; a key that is no list is deleted."""
        try:
            return int(super()._size(queue))  # type: ignore[misc]
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            _discard(error)
        with self.conn_or_acquire() as client:  # type: ignore[attr-defined]
            client.delete(queue)
        return 0

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        """Send, and forget the oldest messages of a queue that is not read."""
        super()._put(queue, message, **kwargs)  # type: ignore[misc]
        with self.conn_or_acquire() as client:  # type: ignore[attr-defined]
            client.ltrim(queue, 0, LONGEST_QUEUE - 1)


class _Transport:
    """Mixed into kombu's transports, where a malformed message would end the worker."""

    # Connecting again mends a Redis that was full, too.
    connection_errors = (*redis.Transport.connection_errors, ResponseError)
    channel_errors: tuple[type[Exception], ...]

    def on_readable(self, fileno: int) -> None:
        """Read what has come; whatever is wrong with one message, the next ones are read."""
        try:
            super().on_readable(fileno)  # type: ignore[misc]
        except Exception as error:
            if isinstance(error, (Empty, *self.connection_errors, *self.channel_errors)):
                raise
            _discard(error)

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            super()._deliver(message, queue)  # type: ignore[misc]
        except KeyError as error:  # to kombu an error of the connection, as which it would connect again
            _discard(error)


class Channel(_Channel, redis.Channel):
    """A channel of one Redis."""


class Transport(_Transport, redis.Transport):  # type: ignore[misc]  # mypy asks a mixin for its base
    """The transport of redis:// URLs."""

    Channel = Channel


class SentinelChannel(_Channel, redis.SentinelChannel):
    """A channel of the Redis that Sentinels name."""


class SentinelTransport(_Transport, redis.SentinelTransport):  # type: ignore[misc]  # as above
    """The transport of sentinel:// URLs."""

    Channel = SentinelChannel


# By a URL's scheme, as kombu looks them up, also where it goes on to another Sentinel's URL.
TRANSPORT_ALIASES.update(redis=f"{__name__}:Transport", sentinel=f"{__name__}:SentinelTransport")
