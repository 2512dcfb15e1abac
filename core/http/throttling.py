"""Rate limits: off unless RATE_LIMITS says otherwise, and open while Redis is away."""

import math
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.circuit_breaker import CircuitBreaker
from core.counters import count
from core.http.addresses import address_of, network

_redis = CircuitBreaker(name="rate limits")


class EndpointThrottle(BaseThrottle):
    """Counts a caller's requests to an endpoint in windows of fixed length, atomically in Redis.

    DRF's own throttles read a list of times and write it back: of 24 requests at once, 8 to 12 passed a limit
    of 5. Nor do they do without Redis.
    """

    seconds_left = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        if not hasattr(view, "basename"):  # the OpenAPI document and its page, which are not on the router
            return True
        endpoint = f"{view.basename}-{view.action}"
        # `*` is the rate of each endpoint without one of its own.
        rate = settings.RATE_LIMITS.get(endpoint) or settings.RATE_LIMITS.get("*")
        if rate is None:
            return True
        window, passed = divmod(time.time(), rate.seconds)
        self.seconds_left = rate.seconds - passed
        caller = f"user-{request.user.pk}" if request.user else f"from-{network(address_of(request))}"
        key = f"rate:{caller}:{endpoint}:{window:.0f}"
        counted = _redis.call(lambda: count(cache, key, seconds=rate.seconds + 1), fallback=lambda: 0)
        return counted <= rate.requests

    def wait(self) -> float:
        return math.ceil(self.seconds_left)
