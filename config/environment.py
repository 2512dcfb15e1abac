"""The settings in the environment and `.env`: a wrong one stops the start by its name, its value unshown."""

import difflib
import fcntl
import logging
import os
import re
import secrets
import tomllib
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

from environ import Env

from config import dotenv
from config.dotenv import SettingsError
from core.embedded.owner import give_to_owner

BASE_DIR = Path(__file__).resolve().parent.parent

# Every name that the shop reads.
SECTIONS = tomllib.loads((BASE_DIR / "config" / "settings.toml").read_text("utf-8"))["section"]
SETTINGS = {name for section in SECTIONS for setting in section["setting"] for name in setting["defaults"]}

SHORTEST_SECRET_KEY = 32
ON = {*Env.BOOLEAN_TRUE_STRINGS}
OFF = {"false", "off", "n", "no", "0"}
# Host names as browsers send them; Django accepts only these characters in `Host`, too.
ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:\*\.)?(?:([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)|\[([0-9a-f:.]+)\])"
    r"(?::([1-9][0-9]{0,4}))?"
)
# Whose last part is a number: browsers read it as an address.
NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
LAST_PORT = 65_535
USUAL_PORT = re.compile("http://.*:80|https://.*:443")
SERVED_HOST = re.compile(r"\*|\.?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.ASCII | re.IGNORECASE)
WEBHOOK_SECRET = re.compile("whsec_(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
LONGEST_SOCKET_PATH = 107  # bytes; 103 on macOS
HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", re.ASCII | re.IGNORECASE)

# The similarity to a setting's name from which to warn. Many variables are not meant for the shop.
ALIKE_IN_FILE, ALIKE_IN_ENVIRONMENT = 0.7, 0.8


def secret_key(name: str, *, debug: bool) -> str:
    """Raises SettingsError for a key that could be guessed.

    With `debug` any will do, and an unset one is made and kept.
    """
    if debug:
        try:
            return text(name) or kept_secret(name.lower(), make=lambda: secrets.token_urlsafe(50))
        except OSError as error:
            reason = f"none can be kept in {BASE_DIR / '.local'}: {error.strerror}"
            raise SettingsError(f"{name} is unset, and {reason}") from None
    value = required(name)
    if len(value) < SHORTEST_SECRET_KEY or value.startswith("django-insecure"):
        raise SettingsError(
            f"{name} is a sample or too short: take {SHORTEST_SECRET_KEY} random characters or more"
        )
    return value


def kept_secret(name: str, *, make: Callable[[], str]) -> str:
    """A secret of the shop on this machine, made once and kept in `.local`. Raises OSError."""
    kept = BASE_DIR / ".local" / name
    if kept.exists() and (value := kept.read_text()):
        return value
    made = [kept] if kept.parent.exists() else [kept.parent, kept]
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    kept.touch(mode=0o600)
    for each in made:
        give_to_owner(each, checkout=BASE_DIR)
    # Programs that start together would each make their own; a file left empty by a full disk is filled.
    with kept.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not (value := file.read()):
            value = make()
            file.write(value)
    return value


def text(name: str) -> str:
    """Empty where it is unset. Raises SettingsError for what is not UTF-8."""
    value = os.environ.get(name, "")
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise SettingsError(f"{name} is not UTF-8")
    return value


def required(name: str) -> str:
    """Raises SettingsError where it is unset or empty."""
    if not (value := text(name)):
        raise SettingsError(
            f"{name} is required here; for development, copy .env.example to .env, which turns DEBUG on"
        )
    return value


def flag(name: str, *, default: bool) -> bool:
    """The default is for an unset one: an empty one raises SettingsError, too."""
    if name not in os.environ:
        return default
    if text(name).lower() not in ON | OFF:
        raise SettingsError(f"{name} must be 1 or 0; leave it out for its default")
    return bool(Env.parse_value(text(name), bool))


def whole_number(name: str, *, least: int, most: int, default: int) -> int:
    """The default is for an unset one: an empty one raises SettingsError, too."""
    if name not in os.environ:
        return default
    value = Env.parse_value(text(name), int) if re.fullmatch("[0-9]{1,9}", text(name)) else None
    if value is None or not least <= value <= most:
        raise SettingsError(
            f"{name} must be {least} or more and at most {most}, in digits; leave it out for its default"
        )
    return int(value)


def names(name: str) -> list[str]:
    return [each.strip() for each in Env.parse_value(text(name), list) if each.strip()]


def required_names(name: str) -> list[str]:
    # What is set but lists nothing (`,`) goes on to the caller, whose own check refuses it.
    return names(name) or [required(name)]


def served_hosts(name: str, *, required: bool) -> list[str]:
    """Raises SettingsError for a host that would match no request."""
    found = required_names(name) if required else names(name)
    if not all(map(SERVED_HOST.fullmatch, found)):
        raise SettingsError(
            f"{name} must list names and addresses without scheme or port, as in shop.example,[::1]; "
            ".shop.example is it with all below it"
        )
    return found


def origins(name: str, *, required: bool, wildcards: bool) -> list[str]:
    """Raises SettingsError for an origin that no browser would send."""
    found = required_names(name) if required else names(name)
    for each in found:
        if not _is_origin(each) or ("*" in each and not wildcards):
            raise SettingsError(
                f"{name} must list origins as browsers send them, as in https://shop.example: in lower case, "
                "without a path, without the port that goes without saying, an address in its shortest usual "
                "form; not null, which pages of any site can send"
            )
    return found


def _is_origin(value: str) -> bool:
    found = ORIGIN.fullmatch(value)
    if not found or USUAL_PORT.fullmatch(value) or int(found[3] or 1) > LAST_PORT:
        return False
    # Browsers write an address in one way; of IPv4 within IPv6 Python's differs by its version.
    address = found[2] or (found[1] if NUMERIC_HOST.fullmatch(found[1]) else "")
    if not address:
        return True
    return is_address(address) and (address.startswith("::ffff:") or str(ip_address(address)) == address)


def gateway_secret(name: str) -> str:
    value = text(name)
    if value != value.strip() or not value.isprintable():
        raise SettingsError(f"{name} has a blank at an end or a control character, which no header can have")
    return value


def webhook_secret(name: str) -> str:
    """As Standard Webhooks has it, or empty. Raises SettingsError."""
    value = text(name)
    if value and not WEBHOOK_SECRET.fullmatch(value):
        raise SettingsError(f"{name} must be whsec_ and a key in base64")
    return value


def checked(name: str, check: Callable[[str], object], *, default: str = "") -> str:
    """The default is for an unset or empty one, which `check` does not see.

    Raises SettingsError with the words of the ValueError that `check` raises; they must not show the value.
    """
    value = text(name)
    try:
        if value:
            check(value)
    except ValueError as error:
        raise SettingsError(f"{name} {error}") from None
    return value or default


def file_to_touch(name: str) -> str:
    """A file that is there or can be made, or empty. Raises SettingsError."""
    value = text(name)
    file = Path(value)
    if file.exists():
        usable = os.access(file, os.W_OK) and not file.is_dir()
    else:
        usable = dotenv.is_usable_folder(file.parent)
    if value and not usable:
        raise SettingsError(f"{name} must be a file in a folder that this account can write into")
    return value


def host(name: str, *, default: str) -> str:
    """An address of IPv6 comes without brackets, however it is written. Raises SettingsError."""
    given = os.environ.get(name, default)
    value = given[1:-1] if given.startswith("[") and given.endswith("]") else given
    if not is_host(value):
        raise SettingsError(f"{name} must be one address or host name, without a port")
    return value


def is_host(value: str) -> bool:
    return is_address(value) or bool(HOST_NAME.fullmatch(value))


def is_loopback(value: str) -> bool:
    if not is_address(value):
        return value.lower() == "localhost"
    address = ip_address(value)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def in_url(value: str) -> str:
    return f"[{value}]" if ":" in value else value


def proxies(name: str) -> list[str]:
    """Addresses and networks, or `*`. Raises SettingsError."""
    found = names(name)
    try:
        for each in found:
            _ = each == "*" or ip_network(each)
    except ValueError:
        raise SettingsError(
            f"{name} must list addresses and networks, as in 10.0.0.0/8,2001:db8::1, or be *"
        ) from None
    return found


def is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def warn_of_misspelt_names(file: Path, lines: dict[str, int]) -> None:
    log = logging.getLogger(__name__)
    for name in sorted({*lines, *os.environ} - SETTINGS):
        alike = ALIKE_IN_FILE if name in lines else ALIKE_IN_ENVIRONMENT
        meant = difflib.get_close_matches(name.upper(), SETTINGS, n=1, cutoff=alike)
        # PGHOST, PGPORT and the like are libpq's, OTEL_… are OpenTelemetry's.
        if meant and not name.startswith(("PG", "OTEL_")):
            place = f"{file}, line {lines[name]}" if name in lines else "the environment"
            log.warning("%s is no setting of the shop (%s). Is %s meant?", name, place, meant[0])


FILE = BASE_DIR / ".env"
# By the lines that set them.
NAMES_IN_FILE = dotenv.load(FILE)
warn_of_misspelt_names(FILE, NAMES_IN_FILE)
