"""Talking to the data platform over HTTP."""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException

from django.utils.http import parse_http_date_safe
from standardwebhooks import Webhook

from orders.outbox.connections import IN_FLIGHT, Connections
from orders.outbox.destination import Destination
from orders.outbox.events import CONTENT_TYPE

SUCCESS = range(200, 300)
LONGEST_REASON = 300
MAX_RETRY_AFTER_SECONDS = 6 * 3600


class DeliveryFailed(Exception):
    """The platform did not take the event; `retry_after` is how many seconds it asked us to wait.

    The reason holds what the platform sent, so it is cut, and what cannot be printed is replaced.
    """

    def __init__(self, reason: str, *, retry_after: int = 0) -> None:
        printable = (sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in reason)
        super().__init__("".join(printable)[:LONGEST_REASON])
        self.retry_after = retry_after


@dataclass(frozen=True)
class Platform:
    """Where events go. Without a signer they go unsigned."""

    destination: Destination
    signer: Webhook | None
    user_agent: str
    connections: Connections

    @classmethod
    def at(cls, *, url: str, secret: str, user_agent: str) -> "Platform":
        """A platform to post to. Raises ValueError for a wrong URL."""
        to = Destination.parse(url)
        return cls(to, Webhook(secret) if secret else None, user_agent, Connections(to))

    def post(self, *, event_id: str, body: bytes, request_id: str = "") -> None:
        """Send one event, under the id of the request that caused it; only a final 2xx is success.

        Redirects are not followed. Raises DeliveryFailed.
        """
        headers = self._headers(event_id, body, request_id)
        try:
            with self.connections.lend() as connection:
                answer = connection.post(self.destination.target, body, headers)
        except (HTTPException, OSError, ValueError) as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from error
        if answer.status not in SUCCESS:
            raise DeliveryFailed(f"HTTP {answer.status}", retry_after=_wait_asked_for(answer.headers))

    def cut_overdue(self) -> None:
        """Fail every post that has taken longer than WHOLE_POST_SECONDS."""
        IN_FLIGHT.cut_overdue()

    def close_unused(self) -> None:
        """Close the connections that have not been used for a while."""
        self.connections.close_unused()

    def _headers(self, event_id: str, body: bytes, request_id: str) -> dict[str, str]:
        headers = {"Content-Type": CONTENT_TYPE, "User-Agent": self.user_agent}
        if self.destination.authorization:
            headers["Authorization"] = self.destination.authorization
        if request_id:
            headers["X-Request-Id"] = request_id
        if self.signer:
            now = datetime.now(tz=UTC)
            headers["webhook-id"] = event_id
            headers["webhook-timestamp"] = str(int(now.timestamp()))
            headers["webhook-signature"] = self.signer.sign(event_id, now, body.decode())
        return headers


def _wait_asked_for(headers: Mapping[str, list[str]]) -> int:
    """The seconds that Retry-After asks for, bounded; 0 for anything else.

    A date (in any of the three forms of RFC 9110) is compared with the answer's own Date, where there is
    one: the platform's clock may differ from ours.
    """
    asked = next(iter(headers["retry-after"]), "")
    if re.fullmatch(r"[0-9]+", asked, re.ASCII):
        return min(int(asked[:9]), MAX_RETRY_AFTER_SECONDS)
    until = parse_http_date_safe(asked)
    if until is None:
        return 0
    said = parse_http_date_safe(next(iter(headers["date"]), ""))
    now = time.time() if said is None else said
    return max(0, min(math.ceil(until - now), MAX_RETRY_AFTER_SECONDS))
