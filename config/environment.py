"""Reading the environment, and the `.env` file in the project's folder; a wrong value stops the start."""

import secrets
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")


def local_secret_key() -> str:
    """A random key kept in `.local`, so that sign-ins outlive a restart in development."""
    kept = BASE_DIR / ".local" / "secret_key"
    if not kept.exists():
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(50))
    return kept.read_text()


def required(name: str) -> str:
    """A setting that has no default. Raises ImproperlyConfigured, which stops the start."""
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is required here; for development, copy .env.example to .env, which turns DEBUG on"
        )
    return value


def names(name: str) -> list[str]:
    """A setting that lists names, separated by commas."""
    return [each.strip() for each in env.list(name, default=[]) if each.strip()]


def required_names(name: str) -> list[str]:
    """A list that must not be empty. Raises ImproperlyConfigured, which stops the start."""
    return names(name) or [required(name)]


def webhook_secret(name: str) -> str:
    """A Standard Webhooks secret, or nothing. Raises ImproperlyConfigured, which stops the start."""
    value: str = env.str(name, default="")
    try:
        key = b64decode(value.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if value and not (value.startswith("whsec_") and key):
        raise ImproperlyConfigured(f"{name} must be whsec_ and a key in base64")
    return value


def checked(name: str, check: Callable[[str], object], *, default: str = "") -> str:
    """A setting that `check` takes, or the default where it is empty.

    Raises ImproperlyConfigured, which stops the start, with the words of the ValueError that `check` raises;
    they must not show the value.
    """
    value: str = env.str(name, default="")
    try:
        if value:
            check(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} {error}") from None
    return value or default


def at_least(name: str, *, least: int, default: int) -> int:
    """A whole number. Raises ImproperlyConfigured, which stops the start, for a smaller one."""
    value: int = env.int(name, default=default)
    if value < least:
        raise ImproperlyConfigured(f"{name} must be {least} or more, and is {value}")
    return value
