"""The worker's consumer of messages."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from celery.worker import consumer

from core.broker.transport import Unreadable

LONGEST_BODY = 1000
# What Celery itself brings, such as `celery.chain`, nobody sends here.
CELERYS_OWN = "celery."


class Consumer(consumer.Consumer):
    """Celery's, to which a message is the name of a task and no more.

    What else a message may bring (limits, times, callbacks), Celery takes as it comes: a limit that is no
    number ends the worker. No task here has arguments or options, so what is handled is a message made anew.
    """

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """What is called with each message; it raises whatever is wrong with it."""
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> None:
            made = self.app.amqp.as_task_v2(str(uuid4()), self._task_named_by(message))
            message.headers = made.headers
            message.properties = made.properties
            message.delivery_info = {}
            message.body, message.content_type, message.content_encoding = made.body, None, None
            handle(message)

        return on_task_received

    def on_decode_error(self, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's signature
        """Refuse it; Celery would write it into the log. Raises Unreadable."""
        raise Unreadable("its body cannot be decoded") from exc

    def _task_named_by(self, message: Any) -> str:
        """One of ours. Raises Unreadable, or what decoding raises."""
        headers = message.headers
        name = headers.get("task") if isinstance(headers, dict) else None
        if not isinstance(name, str):
            raise Unreadable("it names no task")
        if name not in self.app.tasks or name.startswith(CELERYS_OWN):
            raise Unreadable("it names an unknown task")
        if len(message.body) > LONGEST_BODY or message.decode()[:2] != [[], {}]:
            raise Unreadable("it brings arguments")
        return name
