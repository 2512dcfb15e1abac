"""A Redis that Sentinel watches, as kombu spells it: `sentinel://:password@one:26379;sentinel://two:26379/0`."""

from typing import Any
from urllib.parse import parse_qs

from redis.connection import ConnectionPool, parse_url
from redis.sentinel import Sentinel, SentinelConnectionPool

SCHEME = "sentinel://"
DEFAULT_PORT = 26379
# Between Sentinels, for kombu, which parts a URL at each `;`. `services.redis_url` leaves no other comma.
COMMA = ","
# Of the URL, beside redis-py's.
OPTIONS = {"master_name", "sentinel_username", "sentinel_password"}
TIMEOUTS = {"socket_timeout", "socket_connect_timeout"}


class Pool(SentinelConnectionPool):
    """Connections to whichever Redis is the master now; made from a URL, as Django's cache asks for it."""

    @classmethod
    def from_url(cls, url: str, **defaults: Any) -> "Pool":
        urls, own = split(url)
        each = [{**defaults, **parse_url(one)} for one in urls]  # type: ignore[no-untyped-call]
        sentinels = [(parts.pop("host"), parts.pop("port")) for parts in each]
        redis_options = {"ssl": "connection_class" in each[0], **each[0]}
        redis_options.pop("connection_class", None)
        sentinel_options = {
            key: value for key, value in redis_options.items() if key.startswith(("socket_", "ssl"))
        }
        # They are asked one after the other: all of them together may take as long as one Redis.
        for timeout in TIMEOUTS & sentinel_options.keys():
            sentinel_options[timeout] /= len(sentinels)
        sentinel_options |= {
            "username": own.get("sentinel_username", [None])[0],
            "password": own.get("sentinel_password", [None])[0],
            "retry": None,  # the next Sentinel is asked instead
        }
        asked = Sentinel(sentinels, sentinel_kwargs=sentinel_options)  # type: ignore[no-untyped-call]
        return cls(own["master_name"][0], asked, **redis_options)


def pool(url: str, **defaults: Any) -> ConnectionPool:
    """`url` is what `services.redis_url` returned, of whichever scheme; `defaults` are redis-py's options."""
    kind = Pool if url.startswith(SCHEME) else ConnectionPool
    return kind.from_url(url, **defaults)


def split(url: str) -> tuple[list[str], dict[str, list[str]]]:
    """The URL as if each Sentinel were a Redis, and Sentinel's own options."""
    places, _, query = url.partition("?")
    options = query.split("&") if query else []
    own = [each for each in options if each.partition("=")[0] in OPTIONS]
    others = [each for each in options if each not in own]
    # Any option of TLS turns TLS on, as it does for kombu.
    scheme = "rediss" if any(each.startswith("ssl_") for each in others) else "redis"
    hosts = (each.removeprefix(SCHEME) for each in places.split(";"))
    urls = [f"{scheme}://{host}?{'&'.join(others)}" for host in hosts]
    return urls, parse_qs("&".join(own), keep_blank_values=True)
