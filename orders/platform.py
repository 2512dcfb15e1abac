"""Talking to the data platform over HTTP."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import urllib3
from standardwebhooks import Webhook

from orders.events import CONTENT_TYPE

CONNECT_SECONDS = 2
READ_SECONDS = 5
SUCCESS = range(200, 300)
MAX_RETRY_AFTER_SECONDS = 6 * 3600


class DeliveryFailed(Exception):
    """The platform did not take the event; `retry_after` is how many seconds it asked us to wait."""

    def __init__(self, reason: str, *, retry_after: int = 0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Platform:
    """Where events go. An empty secret sends them unsigned."""

    url: str
    secret: str
    http: urllib3.PoolManager

    @classmethod
    def at(cls, *, url: str, secret: str, connections: int) -> "Platform":
        """A platform that is posted to over at most so many connections."""
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        return cls(url, secret, urllib3.PoolManager(maxsize=connections, timeout=timeout, retries=False))

    def post(self, *, event_id: str, body: bytes) -> None:
        """Send one event; only 2xx is success, and redirects are not followed. Raises DeliveryFailed."""
        try:
            response = self.http.request(
                "POST", self.url, body=body, headers=self._headers(event_id, body), redirect=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from error
        if response.status not in SUCCESS:
            raise DeliveryFailed(
                f"HTTP {response.status}", retry_after=_seconds(response.headers.get("Retry-After", ""))
            )

    def _headers(self, event_id: str, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": CONTENT_TYPE}
        if self.secret:
            now = datetime.now(tz=UTC)
            headers["webhook-id"] = event_id
            headers["webhook-timestamp"] = str(int(now.timestamp()))
            headers["webhook-signature"] = Webhook(self.secret).sign(event_id, now, body.decode())
        return headers


def _seconds(retry_after: str) -> int:
    """The seconds form of Retry-After, bounded; 0 for anything else."""
    if not re.fullmatch(r"[0-9]{1,9}", retry_after, re.ASCII):
        return 0
    return min(int(retry_after), MAX_RETRY_AFTER_SECONDS)
