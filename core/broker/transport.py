"""Redis as Celery's broker: nothing that lies in it ends a worker, and no queue grows without bound."""

import re
from queue import Empty
from typing import Any
from uuid import uuid4

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ResponseError

from core.broker import sentinel
from core.metrics import DISCARDED_MESSAGES

# A message only says that there is something to do, so the newest ones say as much as all. They carry no time
# at which they expire: another machine's clock would judge it than the one that set it.
LONGEST_QUEUE = 100

# To kombu they are transport options; the URL's win.
OPTIONS = "max_connections", "socket_timeout", "socket_connect_timeout", "health_check_interval"

log = structlog.get_logger(__name__)


def _discard(error: Exception) -> None:
    DISCARDED_MESSAGES.inc()
    # The message's content stays out of the log.
    log.warning("message_discarded", why=type(error).__name__)


def _discard_misplaced(error: ResponseError) -> None:
    # Redis says so where a key has another type than kombu's.
    if "WRONGTYPE" not in str(error):
        raise error
    _discard(error)


class QoS(redis.QoS):
    """Kombu's, for a queue whose messages are not acknowledged: nothing is remembered, so nothing restored.

    Kombu's own would take each message out of Redis's keys of what is unacknowledged, where none ever is,
    and remember its tag until the worker ends.
    """

    def ack(self, _delivery_tag: str) -> None:
        """Celery acknowledges whatever it runs."""

    def restore_visible(self, *_args: Any, **_kwargs: Any) -> None:
        """Kombu's loop asks every few seconds."""


class Channel(redis.Channel):
    """A channel of a Redis, whose connections redis-py makes from the URL as for the cache."""

    QoS = QoS

    def _get_pool(self, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002 - kombu's signature
        transport: Any = self.connection
        url = transport.client.hostname.replace(sentinel.COMMA, ";")
        pool = sentinel.pool(url, **{option: getattr(self, option) for option in OPTIONS})
        # Kombu is told when one of its own loop's connections ends.
        if asynchronous:
            pool.connection_class = self._watched(pool.connection_class)
        # Kombu also closes the connections to the Sentinels.
        manager = "_async_sentinel_manager" if asynchronous else "_sentinel_manager"
        setattr(self, manager, getattr(pool, "sentinel_manager", None))
        return pool

    def _watched(self, kind: Any) -> Any:
        channel: Any = self

        class Watched(kind):  # type: ignore[misc]  # redis-py names the class by the URL
            def disconnect(self, *args: Any, **kwargs: Any) -> None:
                super().disconnect(*args, **kwargs)
                if channel._registered:  # noqa: SLF001 - as kombu does
                    channel._on_connection_disconnect(self)  # noqa: SLF001

        return Watched

    def _size(self, queue: str) -> int:
        try:
            return int(super()._size(queue))
        except ResponseError as error:
            _discard_misplaced(error)
        # Kombu asks at each new connection: a key that is no list would stand in the way of them all.
        with self.conn_or_acquire() as client:
            client.delete(queue)
        return 0

    def _queue_bind(self, *binding: Any) -> None:
        kombu: Any = super()  # its types lack these
        try:
            kombu._queue_bind(*binding)  # noqa: SLF001 - overridden here
        except ResponseError as error:
            _discard_misplaced(error)
            # Kombu binds at each new connection, too; its bindings are kept in sets.
            exchange, *_others = binding
            with self.conn_or_acquire() as client:
                for name in (self.keyprefix_queue, kombu.keyprefix_binding_permanent):
                    if client.type(name % exchange) != b"set":
                        client.delete(name % exchange)
            kombu._queue_bind(*binding)  # noqa: SLF001 - overridden here

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        # A queue that is not read forgets its oldest messages.
        with self.conn_or_acquire() as client:
            client.ltrim(queue, 0, LONGEST_QUEUE - 1)


class Transport(redis.Transport):
    """Kombu's, in which a malformed message would end the worker."""

    Channel = Channel
    can_parse_url = True  # kombu does not

    # Connecting again mends a Redis that was full, too.
    connection_errors = (*redis.Transport.connection_errors, ResponseError)

    def as_uri(self, uri: str, include_password: bool = False, mask: str = "") -> str:  # noqa: ARG002, FBT001, FBT002
        # The log shows it: no user, password or option.
        return re.sub("//[^@/,]*@", "//", uri.partition("?")[0])

    def on_readable(self, fileno: int) -> None:  # type: ignore[override]  # kombu's own, in its Redis
        try:
            super().on_readable(fileno)
        except Exception as error:
            if isinstance(error, (Empty, *self.connection_errors, *self.channel_errors)):
                raise
            # An error in one message does not stop the next ones.
            _discard(error)

    def _deliver(self, message: Any, queue: str | None) -> None:
        try:
            # The name of a task is all that a message here may say: kombu would inflate the rest whatever its
            # size, and end the worker over a delivery tag of null.
            named = {
                "headers": {"task": message["headers"]["task"]},
                "properties": {"delivery_tag": uuid4().hex},
            }
            super()._deliver(named, queue)
        except KeyError as error:  # to kombu an error of the connection, as which it would connect again
            _discard(error)


# By the schemes of `services.redis_url`, as kombu looks them up.
TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss", "unix", "sentinel"), f"{__name__}:Transport"))
