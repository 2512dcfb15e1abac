"""Wake-ups of the delivery worker: hints that an event is due, never the event itself."""

import threading
import time

import structlog
from celery import current_app

from core.metrics import REDIS_FALLBACKS

# `orders.tasks.deliver_order_events`, by name: that module imports delivery, which imports this one.
DELIVER_TASK = "orders.deliver_order_events"
# Doubled during a burst (BURST_SIZE orders in a pause): a worker is already sending, and claims again itself.
PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5
BURST_SIZE = 4
PAUSE_AFTER_FAILURE_SECONDS = 5

log = structlog.get_logger(__name__)


class DeliveryWakeUps:
    """Sends at most one wake-up a pause, from a thread of its own.

    A broker that is down or unresponsive therefore costs a request nothing, and a burst of orders costs one
    message. What a dying process had not sent yet, the sweep finds.
    """

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._requests = 0  # roughly: it only sets the pace
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def request(self) -> None:
        self._requests += 1
        self._wanted.set()
        with self._starting:
            # A thread does not survive a fork, so each process starts its own.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        pause = PAUSE_SECONDS
        while self._wanted.wait():
            # Cleared before sending: an order that commits meanwhile asks for a message of its own.
            self._wanted.clear()
            before = self._requests
            time.sleep(pause if _send() else PAUSE_AFTER_FAILURE_SECONDS)
            many = self._requests - before >= BURST_SIZE
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS) if many else PAUSE_SECONDS


def _send() -> bool:
    try:
        current_app.send_task(DELIVER_TASK, retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001 - kombu and redis raise many kinds; each only means "not now"
        REDIS_FALLBACKS.labels("wake-ups").inc()
        log.warning("wakeup_failed", error=str(error))
        return False
    return True


_wake_ups = DeliveryWakeUps()


def wake_delivery() -> None:
    """Tell the delivery worker that an event was committed; returns at once, whatever the broker does."""
    _wake_ups.request()
