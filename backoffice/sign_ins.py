"""Guesses at a password: counted before they are checked; failures are logged.

Three counters bound sign-ins, each for a quarter of an hour from its first guess: a name from an address, an
address over all names, and a name over all addresses. The last one could keep an account's owner out for as
long as somebody else guesses, so the browsers that signed in to the account with its current password share a
counter of their own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from operator import methodcaller
from typing import TypeVar

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import BaseCache, cache, caches
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from backoffice.metrics import FAILED_SIGN_INS, THROTTLED, WRONG
from core.circuit_breaker import CircuitBreaker
from core.counters import count
from core.http.addresses import address_of, network

SECONDS = 15 * 60
MAX_OWN = 5
MAX_BY_ADDRESS = 50
MAX_BY_NAME = 20

KNOWN_BROWSER = "known_browser"
KNOWN_BROWSER_SECONDS = 90 * 24 * 3600

T = TypeVar("T")

log = structlog.get_logger(__name__)
_redis = CircuitBreaker(name="sign-ins")


@dataclass(frozen=True)
class Guess:
    """One guess, by the keys of the counters that bound it."""

    own: str
    address: str = ""
    name: str = ""

    def reserve(self) -> bool:
        """Count it; False if it must not be checked."""
        bounds = ((self.address, MAX_BY_ADDRESS), (self.own, MAX_OWN), (self.name, MAX_BY_NAME))
        # all() stops at the first full counter: refused guesses from one address never use up the guesses
        # that a name has over all addresses.
        return all(_count(key) <= most for key, most in bounds if key)

    def give_back(self) -> None:
        """After a right password, reset the name's own counter and subtract one from the wider counters."""
        _with_counters(methodcaller("delete", self.own))
        # The wider counters hold the guesses of others too.
        for key in filter(None, (self.address, self.name)):
            with suppress(ValueError):  # expired meanwhile
                _with_counters(methodcaller("decr", key))


def guess_of(request: HttpRequest | None, *, name: str) -> Guess:
    """A sign-in; `name` is normalised as the authentication backend looks it up."""
    person, place = fingerprint(name), network(address_of(request))
    if request and _is_known_browser(request, name):
        return Guess(own=f"sign-in:known-browsers:{person}")
    return Guess(
        own=f"sign-in:both:{place}:{person}",
        address=f"sign-in:address:{place}",
        name=f"sign-in:name:{person}",
    )


def guess_of_old_password(*, account_id: int) -> Guess:
    return Guess(own=f"sign-in:old-password:{account_id}")


@contextmanager
def counted(guess: Guess, *, request: HttpRequest | None, name: str) -> Iterator[None]:
    """Count a guess before the block checks it: of guesses at once, at most the limit are checked.

    Raises ValidationError from the block, or instead of running it after too many guesses.
    """
    if not guess.reserve():
        _report_failure(request, name=name, cause=THROTTLED)
        # Not "wrong passwords": right ones count too until they are checked.
        too_many = _("Too many attempts. You can try again in 15 minutes at the latest.")
        raise ValidationError(too_many, code="too_many")
    try:
        yield
    except ValidationError:
        _report_failure(request, name=name, cause=WRONG)
        raise
    guess.give_back()


def _report_failure(request: HttpRequest | None, *, name: str, cause: str) -> None:
    FAILED_SIGN_INS.labels(cause).inc()
    # The name may be a password typed into the wrong field: it is hashed.
    log.warning("sign_in_failed", cause=cause, name_hash=fingerprint(name), address=address_of(request))


def remember_browser(response: HttpResponse, *, account: User) -> None:
    """To be called only after a right password: until it changes, strangers' guesses do not count here."""
    response.set_signed_cookie(
        KNOWN_BROWSER,
        _cookie_of(account),
        salt=KNOWN_BROWSER,
        max_age=KNOWN_BROWSER_SECONDS,
        path=reverse("admin:index"),
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def fingerprint(name: str) -> str:
    """A hash of a name for keys and logs; names cannot be tried against it without SECRET_KEY."""
    return salted_hmac(__name__, name, algorithm="sha256").hexdigest()[:16]


def _is_known_browser(request: HttpRequest, name: str) -> bool:
    cookie = str(
        request.get_signed_cookie(
            KNOWN_BROWSER, default="", salt=KNOWN_BROWSER, max_age=KNOWN_BROWSER_SECONDS
        )
    )
    # First the name: the table of accounts is read only for a browser that signed in to this one.
    if cookie.partition(".")[0] != fingerprint(name):
        return False
    account = User.objects.filter(username=name).first()
    return account is not None and constant_time_compare(cookie, _cookie_of(account))


def _cookie_of(account: User) -> str:
    # With the password, as Django's sessions: cookies end with the password under which they were given.
    return f"{fingerprint(account.get_username())}.{fingerprint(account.get_session_auth_hash())}"


def _count(key: str) -> int:
    return int(_with_counters(lambda counters: count(counters, key, seconds=SECONDS)))


def _with_counters(use: Callable[[BaseCache], T]) -> T:
    # While Redis is away, each process counts for itself.
    return _redis.call(lambda: use(cache), fallback=lambda: use(caches["local"]))
