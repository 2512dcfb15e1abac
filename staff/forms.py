"""Signing in to the admin, with patience for mistakes and none for guessing."""

from typing import Any

from django.core.cache import cache, caches
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from unfold.forms import AuthenticationForm

from api.breaker import Breaker
from api.throttling import count

ATTEMPTS = 5
SECONDS = 15 * 60

_redis = Breaker(name="sign-ins", seconds=5)


class PatientLoginForm(AuthenticationForm):
    """Refuses a name from an address after five failures in a quarter of an hour, right password or not."""

    def clean(self) -> dict[str, Any]:
        """Check the password. Raises ValidationError, also where too many were wrong before."""
        if self._failures() >= ATTEMPTS:
            raise ValidationError(
                _("Signing in failed several times. Please try again in 15 minutes."), code="too_many"
            )
        try:
            return super().clean() or {}
        except ValidationError:
            self._each(lambda counters: count(counters, self._key(), seconds=SECONDS))
            raise

    def _failures(self) -> int:
        return int(self._each(lambda counters: counters.get(self._key(), 0)))

    def _each(self, use: Any) -> Any:
        """Use the counters all processes share or, while Redis is away, this process's own."""
        return _redis.ask(lambda: use(cache), otherwise=lambda: use(caches["local"]))

    def _key(self) -> str:
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        return f"sign-in:{address}:{self.data.get('username', '')[:150]!r}"
