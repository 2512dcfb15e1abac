"""The URLs of PostgreSQL and Redis, read once by their libraries and given to each reader in its own form."""

import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from redis.connection import UnixDomainSocketConnection, parse_url

from config import libpq
from config.dotenv import SettingsError
from config.environment import LONGEST_SOCKET_PATH, in_url, is_host
from core.broker import sentinel

LAST_PORT = 65535
LONGEST_DATABASE_NAME = 63  # to Django, which complains at the first connection
SERVER_SIDE_CURSORS_OFF = "DISABLE_SERVER_SIDE_CURSORS"
# No secret: what Django calls libpq's words.
DJANGO_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}  # nosec B105
# No URL of PostgreSQL's, but django-environ reads it as one.
POSTGRESQL = re.compile(r"(?:postgres(?:ql)?|pgsql|psql)://")
SECRETS = {"password", "sslpassword", "oauth_client_secret"}

LONGEST_TIMEOUT_SECONDS = 3600


def _is_timeout(value: str) -> bool:
    return 0 < float(value) <= LONGEST_TIMEOUT_SECONDS


# Each has a check, as a wrong value would first be told of, or do harm, when a connection is made: below an
# interval of 0 kombu looks at its connections without a pause, and to redis-py whatever is not off is on,
# "off" too.
SWITCH = re.compile("1|true|t|yes|y|0|false|f|no|n", re.IGNORECASE)
REDIS_OPTIONS: dict[str, Callable[[str], object]] = {
    "db": re.compile("[0-9]{1,5}").fullmatch,
    "username": bool,
    "password": bool,
    "socket_timeout": _is_timeout,
    "socket_connect_timeout": _is_timeout,
    "socket_keepalive": SWITCH.fullmatch,
    "health_check_interval": lambda value: 0 <= int(value) <= LONGEST_TIMEOUT_SECONDS,
    "retry_on_timeout": SWITCH.fullmatch,
    "max_connections": str.isdecimal,
    "client_name": re.compile("[!-~]+").fullmatch,
    **dict.fromkeys(("ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"), bool),
    "ssl_password": bool,
    "ssl_check_hostname": SWITCH.fullmatch,
}
KNOWN_OPTIONS = (
    f"{', '.join(sorted(REDIS_OPTIONS))}; with sentinel:// also {', '.join(sorted(sentinel.OPTIONS))}"
)
VALUES = (
    f"a time-out is above 0, it and an interval at most {LONGEST_TIMEOUT_SECONDS} seconds;"
    " a switch is true or false"
)
SENTINEL_FORM = "sentinel://:password@one:26379;sentinel://two:26379/0?master_name=shop"
MASTER_NAME = re.compile("[A-Za-z0-9._-]+")


def database(name: str, url: str) -> dict[str, Any]:
    """Django's names for what a URL of libpq says. Raises SettingsError, which shows nothing of it."""
    if not (scheme := POSTGRESQL.match(url)):
        raise SettingsError(f"{name} must begin with postgresql://")
    for_libpq, for_django = _parted(name, url[scheme.end() :])
    try:
        parts: dict[str, Any] = conninfo_to_dict(f"postgresql://{for_libpq}")
    except psycopg.ProgrammingError:
        raise SettingsError(
            f"{name} is no URL that libpq reads: percent-encode what is special in its parts; options are"
            " libpq's alone"
        ) from None
    folder, slash, last = str(parts.get("dbname", "")).rpartition("/")
    if slash and folder.startswith("/"):  # postgresql:////run/postgresql/shop, as django-environ has it
        parts |= {"host": folder, "dbname": last}
    ports = [each for each in str(parts.get("port", "")).split(",") if each]
    if not all(each.isdecimal() and 1 <= int(each) <= LAST_PORT for each in ports):
        raise SettingsError(f"{name} has a port that is none")
    if not (parts.get("dbname") or parts.get("service")):
        raise SettingsError(f"{name} names no database")
    if len(parts.get("dbname", "")) > LONGEST_DATABASE_NAME:
        raise SettingsError(f"{name} names a database by more than {LONGEST_DATABASE_NAME} characters")
    if refused := libpq.unusable(parts):
        raise SettingsError(f"{name} has a value that cannot be used, for {', '.join(refused)}")
    options = {key: value for key, value in parts.items() if key not in DJANGO_NAMES}
    # The shop adds its own, which libpq would take in place of a service's or a variable's.
    options |= {"options": given} if (given := libpq.session_options(parts)) else {}
    named = {django: parts.get(key, "") for key, django in DJANGO_NAMES.items()}
    return {**named, **for_django, "OPTIONS": options}


def _parted(name: str, rest: str) -> tuple[str, dict[str, bool]]:
    place, mark, query = _with_quoted_userinfo(name, rest).partition("?")
    options = [each.partition("=") for each in query.split("&")]
    # Django's own option, which a pgbouncer needs.
    own = [value.lower() for key, _, value in options if key == SERVER_SIDE_CURSORS_OFF]
    if not {*own} <= {"true", "false"}:
        raise SettingsError(f"{name} must say True or False for {SERVER_SIDE_CURSORS_OFF}")
    # libpq wants a `=` within an option's value percent-encoded.
    others = "&".join(
        key + sep + value.replace("=", "%3D") for key, sep, value in options if key != SERVER_SIDE_CURSORS_OFF
    )
    for_django = {SERVER_SIDE_CURSORS_OFF: own[-1] == "true"} if own else {}
    return f"{place}{mark if others else ''}{others}", for_django


def conninfo(settings: dict[str, Any]) -> str:
    """What to give psql for one of Django's DATABASES, without its secrets."""
    parts = {key: settings.get(django) for key, django in DJANGO_NAMES.items()}
    parts |= {key: value for key, value in settings.get("OPTIONS", {}).items() if isinstance(value, str)}
    return make_conninfo(**{key: value for key, value in parts.items() if value and key not in SECRETS})


def redis_url(name: str, url: str) -> str:
    """The URL as redis-py reads it, its parts percent-encoded. Raises SettingsError, which quotes nothing.

    Of sentinel://, which redis-py has no URL of, as `sentinel.parse` reads it.
    """
    if url.startswith(sentinel.SCHEME):
        return _sentinel_url(name, url)
    parts = _redis_parts(name, url)
    kind = parts.pop("connection_class", None)
    who = _pop_userinfo(parts)
    if kind is UnixDomainSocketConnection:
        where = f"unix://{who}{quote(parts.pop('path'))}"
    else:
        scheme = "rediss" if kind else "redis"
        port = parts.pop("port", 6379)
        where = f"{scheme}://{who}{in_url(parts.pop('host', 'localhost'))}:{port}"
    return f"{where}?{urlencode({'db': 0, **parts})}"


def redis_cache(url: str, *, options: dict[str, Any]) -> dict[str, Any]:
    """Django's LOCATION and OPTIONS of a cache for what `redis_url` returned."""
    pool = {"pool_class": sentinel.Pool} if url.startswith(sentinel.SCHEME) else {}
    # A list: Django would split a text at each `;`.
    return {"LOCATION": [url], "OPTIONS": {**options, **pool}}


def celery_broker(url: str, *, transport_options: dict[str, Any]) -> dict[str, Any]:
    """Celery's URL and transport options for what `redis_url` returned."""
    # The interval is also kombu's own, at which it looks at its connections.
    given = re.search("[?&]health_check_interval=([0-9]+)", url)
    interval = {"health_check_interval": int(given[1])} if given else {}
    return {
        "url": url.replace(";", sentinel.COMMA),
        "transport_options": {**transport_options, **interval},
    }


def _pop_userinfo(parts: dict[str, Any]) -> str:
    user, password = quote(parts.pop("username", ""), safe=""), quote(parts.pop("password", ""), safe="")
    return f"{user}:{password}@" if user or password else ""


def _sentinel_url(name: str, url: str) -> str:
    _require_plain(name, url)
    urls, own = sentinel.split(url)
    each = [_redis_parts(name, one) for one in urls]
    if ";" in url.partition("?")[2] or not all("host" in parts for parts in each):
        raise SettingsError(f"{name} must be as in {SENTINEL_FORM}, any other ; percent-encoded")
    users = {(parts.get("username"), parts.get("password")) for parts in each} - {(None, None)}
    databases = {parts["db"] for parts in each if "db" in parts}
    if len(users) > 1 or len(databases) > 1:
        raise SettingsError(
            f"{name} has two passwords, users or databases for one Redis; a Sentinel's are"
            " sentinel_password and sentinel_username"
        )
    if not MASTER_NAME.fullmatch(own.get("master_name", [""])[-1]):
        raise SettingsError(f"{name} needs ?master_name=…, as in sentinel.conf's `sentinel monitor`")
    if not all(len(values) == 1 and values[0] for values in own.values()):
        raise SettingsError(f"{name} may have these options, each once: {KNOWN_OPTIONS}")
    merged = {key: value for parts in each for key, value in parts.items()}
    for key in ("host", "port", "connection_class"):
        merged.pop(key, None)
    who = _pop_userinfo(merged)
    places = (
        f"{sentinel.SCHEME}{who}{in_url(parts['host'])}:{parts.get('port', sentinel.DEFAULT_PORT)}"
        for parts in each
    )
    options = {"db": 0, **merged, **{key: value for key, (value,) in own.items()}}
    return f"{';'.join(places)}?{urlencode(options)}"


def _redis_parts(name: str, url: str) -> dict[str, Any]:
    # Celery's spelling of a unix socket.
    url = re.sub(r"^redis\+socket://", "unix://", url).replace("?virtual_host=", "?db=")
    if not re.match(r"(?:rediss?|unix)://", url):
        raise SettingsError(f"{name} must begin with redis://, rediss://, unix:// or sentinel://")
    _require_plain(name, url)
    scheme, _, rest = url.partition("://")
    url = f"{scheme}://{_with_quoted_userinfo(name, rest)}"
    try:
        _require_usable_options(name, url)
        parts = dict(parse_url(url))  # type: ignore[no-untyped-call]
        if "ssl_cert_reqs" in parts:  # Celery documents CERT_REQUIRED, too
            parts["ssl_cert_reqs"] = parts["ssl_cert_reqs"].lower().removeprefix("cert_")
        # redis-py's own check that the options suit the kind of connection; nothing is connected.
        redis.ConnectionPool(**parts).make_connection()
    except SettingsError:
        raise
    except Exception:  # noqa: BLE001 - libraries quote what they could not read
        raise SettingsError(
            f"{name} is no URL that redis-py reads: percent-encode what is special in its parts"
        ) from None
    return parts


def _require_plain(name: str, url: str) -> None:
    if not url.isascii() or not url.isprintable() or " " in url or "#" in url:
        raise SettingsError(f"{name} has a character that must be percent-encoded")


def _require_usable_options(name: str, url: str) -> None:
    whole = urlsplit(url)
    given = parse_qs(whole.query, keep_blank_values=True, strict_parsing=bool(whole.query))
    # No unknown option is named: it may be a piece of a password with a raw `?`.
    if not given.keys() <= REDIS_OPTIONS.keys() or any(len(values) > 1 for values in given.values()):
        raise SettingsError(f"{name} may have these options, each once: {KNOWN_OPTIONS}")
    if unusable := [key for key, (value,) in given.items() if not (value and REDIS_OPTIONS[key](value))]:
        raise SettingsError(f"{name} has a value that cannot be used, for {', '.join(unusable)}; {VALUES}")
    if whole.scheme == "unix":
        is_place = not whole.hostname and whole.path not in {"", "/"}
    else:
        is_place = bool(re.fullmatch(r"(/[0-9]{0,5})?", whole.path)) and whole.port != 0
        is_place &= whole.hostname is None or is_host(unquote(whole.hostname))
    if not is_place:
        raise SettingsError(
            f"{name} must be as in redis://host:6379/0, unix:///run/redis.sock?db=0 or {SENTINEL_FORM}"
        )
    if whole.scheme == "unix" and len(os.fsencode(unquote(whole.path))) > LONGEST_SOCKET_PATH:
        raise SettingsError(f"{name} has a socket's path of more than {LONGEST_SOCKET_PATH} bytes")


def _with_quoted_userinfo(name: str, rest: str) -> str:
    # A raw `@`, `:` or `%` leaves no doubt, while behind a raw `/`, `?` or `#` another host would be read.
    end = re.search(r"[/?#]", rest)
    authority, behind = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    if any("@" in each.partition("=")[0] for each in re.split("[?&]", behind)):
        raise SettingsError(f"{name} has an @ behind its first /, ? or #: percent-encode its password")
    who, at, where = authority.rpartition("@")
    who = re.sub("%(?![0-9A-Fa-f]{2})", "%25", who).replace("@", "%40")
    return f"{who}{at}{where}{behind}"
