"""The worker's consumer of messages."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from celery.worker import consumer

# What Celery itself brings, such as `celery.chain`, is never sent here.
CELERYS_OWN = "celery."
NO_ARGUMENTS = "[[], {}, {}]", "application/json", "utf-8"


class UnknownTask(Exception):
    """A message names no task of the shop's."""


class Pause:
    """A second between attempts at a broker that takes nothing; Celery logs a trace for each fifth."""

    ended_at = 0.0

    def step(self) -> None:
        if time.monotonic() - self.ended_at < 1:
            time.sleep(1)
        self.ended_at = time.monotonic()


class Consumer(consumer.Consumer):
    """Celery's, to which a message is the name of a task (core/broker/transport.py drops all else).

    It tells other workers nothing of itself: nobody listens, and while Redis is silent its loop would wait
    until that is sent, even where it is told to stop.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        options = kwargs.get("worker_options") or {}
        alone = dict.fromkeys(("without_heartbeat", "without_gossip", "without_mingle"), True)
        kwargs["worker_options"] = {**options, **alone}
        super().__init__(*args, **kwargs)
        self._restart_state = Pause()

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> None:
            name = message.headers["task"]
            if name not in self.app.tasks or name.startswith(CELERYS_OWN):
                # The transport discards a message whose handler raises.
                raise UnknownTask
            clean = self.app.amqp.as_task_v2(str(uuid4()), name)
            message.headers, message.properties, message.delivery_info = clean.headers, clean.properties, {}
            message.body, message.content_type, message.content_encoding = NO_ARGUMENTS
            handle(message)

        return on_task_received
