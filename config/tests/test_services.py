"""One URL, the same place for every reader, or a refused start that shows nothing of it."""

from typing import Any

import pytest
import redis
from django.core.cache.backends.redis import RedisCache
from django.db.backends.base.client import BaseDatabaseClient
from kombu import Connection
from psycopg.conninfo import conninfo_to_dict

from config.dotenv import SettingsError
from config.postgresql.base import DatabaseClient, DatabaseWrapper
from config.services import celery_broker, database, redis_cache, redis_url

SECRET = "hunter2"
OURS = ("host", "port", "path", "db", "username", "password", "health_check_interval", "socket_timeout")
TLS = ("ssl_cert_reqs", "ssl_ca_certs", "ssl_check_hostname")


def of_the_cache(url: str) -> dict[str, Any]:
    """How redis-py connects for Django's cache, which has its own ideas of a comma in LOCATION."""
    return dict(pool_of_the_cache(url).connection_kwargs)


def pool_of_the_cache(url: str, **options: Any) -> Any:
    settings = redis_cache(url, options=options)
    cache: Any = RedisCache(settings["LOCATION"], {"OPTIONS": settings["OPTIONS"]})
    return cache._cache._get_connection_pool(write=True)


def of_the_worker(url: str) -> dict[str, Any]:
    """How redis-py connects for kombu."""
    return dict(channel_of_the_worker(url)._get_pool().connection_kwargs)


def channel_of_the_worker(url: str, **options: Any) -> Any:
    """A channel that has connected nowhere yet."""
    broker = celery_broker(url, transport_options=options)
    connection = Connection(broker["url"], transport_options=broker["transport_options"])
    channel: Any = connection.transport.Channel.__new__(connection.transport.Channel)
    channel.connection = connection
    connection.client = connection
    for name, value in connection.transport_options.items():
        setattr(channel, name, value)
    return channel


REDIS = {
    "redis://cache": {"host": "cache", "port": 6379, "db": 0},
    "redis://cache:1/": {"host": "cache", "port": 1, "db": 0},
    "redis:///3": {"host": "localhost", "db": 3},
    "redis://cache:1/2?health_check_interval=10": {"port": 1, "db": 2, "health_check_interval": 10},
    "redis://cache/2?db=3&socket_timeout=0.5": {"db": 3, "socket_timeout": 0.5},
    "redis://cache?retry_on_timeout=TRUE&socket_keepalive=no": {
        "retry_on_timeout": True,
        "socket_keepalive": False,
    },
    "redis://[::1]:7/1": {"host": "::1", "port": 7, "db": 1},
    "redis://user:p%40%2F%3A%23%25%24%3F%2B%2C%3B@cache": {"username": "user", "password": "p@/:#%$?+,;"},
    "redis://:p@s:s$%+,;!@cache/1": {"password": "p@s:s$%+,;!", "db": 1},
    "redis://cache?username=user&password=p%2Bw": {"username": "user", "password": "p+w"},
    "unix:///run/redis.sock": {"path": "/run/redis.sock", "db": 0},
    "unix://:p%2Bw@/run/a%2Cb.sock?db=1": {"path": "/run/a,b.sock", "password": "p+w", "db": 1},
    "unix://user:word@/run/redis.sock?db=2&health_check_interval=5": {
        "path": "/run/redis.sock",
        "username": "user",
        "password": "word",
        "db": 2,
        "health_check_interval": 5,
    },
    "redis+socket://:word@/run/redis.sock?virtual_host=4": {
        "path": "/run/redis.sock",
        "password": "word",
        "db": 4,
    },
    "rediss://cache": {"host": "cache", "ssl_cert_reqs": "required"},
    "rediss://:word@cache:1/2?ssl_cert_reqs=CERT_NONE&ssl_check_hostname=false": {
        "password": "word",
        "ssl_cert_reqs": "none",
        "ssl_check_hostname": False,
    },
    "rediss://cache?ssl_ca_certs=/etc/ca.pem": {"ssl_ca_certs": "/etc/ca.pem", "ssl_cert_reqs": "required"},
}


@pytest.mark.parametrize(("url", "meant"), REDIS.items())
def test_readers_of_redis_find_the_same_place(url, meant):
    read = redis_url("REDIS_URL", url)
    cache, worker = of_the_cache(read), of_the_worker(read)
    direct = redis.Redis.from_url(read).get_connection_kwargs()
    defaults = {"ssl_cert_reqs": "required"} if url.startswith("rediss") else {}
    for reader in ({**defaults, **cache}, {**defaults, **worker}, {**defaults, **direct}):
        assert {key: reader.get(key) for key in meant} == meant
    # As redis-py has it, were it asked itself.
    assert redis_url("REDIS_URL", read) == read


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hunter2",
        "cache:6379",
        "http://:hunter2@cache",
        "amqp://:hunter2@cache",
        "redis://:hunter2@cache/abc",
        "redis://:hunter2@cache/1/2",
        "redis://:hunter2@cache?db=x",
        "redis://:hunter2@cache?db=-1",
        "redis://:hunter2@cache?db=",
        "redis://:hunter2@cache?db=1&db=2",
        "redis://:hunter2@cache?hunter2=1",
        "redis://:hunter2@cache?hunter2",
        "redis://:hunter2@cache?health_check_interval=hunter2",
        *(f"redis://:hunter2@cache?socket_timeout={each}" for each in ("0", "-1", "nan", "inf", "1e30")),
        "redis://:hunter2@cache?socket_connect_timeout=-1",
        "redis://:hunter2@cache?health_check_interval=-1",
        "redis://:hunter2@cache?health_check_interval=3601",
        "redis://:hunter2@cache?max_connections=-1",
        "redis://:hunter2@cache?retry_on_timeout=maybe",
        "redis://:hunter2@cache?socket_keepalive=off",
        "redis://:hunter2@cache?protocol=7",
        "rediss://:hunter2@cache?ssl_check_hostname=hunter2",
        "redis://:hunter2@cache?client_name=hun%20ter2",
        "redis://:hunter2@cache?client_name=hun%0Ater2",
        "redis://:hunter2@cache?ssl_cert_reqs=none",
        "redis://:hunter2@cache?decode_responses=true",
        "rediss://:hunter2@cache?ssl_cert_reqs=hunter2",
        "redis://:hunter2@cache:0",
        "redis://:hunter2@cache:65536",
        "redis://:hunter2@cache:port",
        "redis://:hunter2@cache#1",
        "redis://:hunter2@ca che",
        "redis://:hunter2@cache\n",
        "redis://:hunter2@캐시",
        "redis://:hunter2@%2Frun%2Fredis.sock",
        "redis://:hun/ter2@cache",
        "redis://:hun?ter2@cache",
        "redis://:hun#ter2@cache",
        "redis://:12?hunter2=3@cache",
        "redis://:hunter2@[::1",
        "redis://a:1,redis://:hunter2@b:2",
        "redis://a:1;redis://:hunter2@b:2",
        "unix://:hunter2@",
        "unix://:hunter2@/",
        f"unix://:hunter2@/{'x' * 107}",
        "unix://:hunter2@cache/run/redis.sock",
        "unix://:hunter2@/run/redis.sock?ssl_cert_reqs=none",
        "sentinel://:hunter2@cache",
        "redis+sentinel://:hunter2@cache",
    ],
)
def test_url_that_a_reader_of_redis_would_not_know_is_refused(url):
    with pytest.raises(SettingsError, match=r"^REDIS_URL") as refused:
        redis_url("REDIS_URL", url)
    assert not {"hunter2", "hun", "ter2"} & set(str(refused.value).replace("=", " ").split())
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


POSTGRESQL = {
    "postgresql://user:word@db:5433/shop": "host=db port=5433 dbname=shop user=user password=word",
    "postgres://db/shop": "host=db dbname=shop",
    "psql://db/shop": "host=db dbname=shop",
    "postgresql:///shop": "dbname=shop",
    "postgresql://%2Frun%2Fpostgresql/shop": "host=/run/postgresql dbname=shop",
    "postgresql:////run/postgresql/shop": "host=/run/postgresql dbname=shop",
    "postgresql://user@/shop?host=/run&port=5433": "host=/run port=5433 dbname=shop user=user",
    "postgresql://[::1]:5433/shop": "host=::1 port=5433 dbname=shop",
    "postgresql://one:5432,two:5433/shop?target_session_attrs=read-write": (
        "host=one,two port=5432,5433 dbname=shop target_session_attrs=read-write"
    ),
    "postgresql://[::1]:5432,%2Frun/shop": "host=::1,/run port=5432, dbname=shop",
    "postgresql://user:p%40s%2Fs%23%24%25@db/shop": r"host=db dbname=shop user=user password=p@s/s#$%",
    "postgresql://user:p@s:s$%+@db/shop": r"host=db dbname=shop user=user password=p@s:s$%+",
    "postgresql://db/shop?user=user&password=a@b=c": "host=db dbname=shop user=user password=a@b=c",
    "postgresql://db/shop?sslmode=verify-full&sslrootcert=/ca.pem&connect_timeout=5": (
        "host=db dbname=shop sslmode=verify-full sslrootcert=/ca.pem connect_timeout=5"
    ),
    "postgresql://db/shop?options=-c%20lock_timeout=1s": r"host=db dbname=shop options='-c lock_timeout=1s'",
}


@pytest.mark.parametrize(("url", "meant"), POSTGRESQL.items())
def test_django_and_psql_find_the_same_database(url, meant):
    settings = database("DATABASE_URL", url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    django = {libpq: settings[name] for name, libpq in names.items() if settings[name]} | settings["OPTIONS"]
    command, added = DatabaseClient.settings_to_cmd_args_env(settings, ["-c", "SELECT 1"])
    psql = conninfo_to_dict(command.pop()) | {"password": (added or {}).get("PGPASSWORD")}
    assert django == conninfo_to_dict(meant)
    assert {key: value for key, value in psql.items() if value} == django
    assert command == ["psql", "-c", "SELECT 1"]


def test_option_for_pgbouncer_goes_to_django_and_not_to_libpq():
    url = "postgresql://shop@db/shop?DISABLE_SERVER_SIDE_CURSORS=True"
    assert database("DATABASE_URL", url)["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert database("DATABASE_URL", f"{url}&sslmode=require")["OPTIONS"] == {"sslmode": "require"}
    with pytest.raises(SettingsError, match="True or False"):
        database("DATABASE_URL", url.replace("True", "maybe"))


def test_dbshell_is_the_shop_s_own():
    assert DatabaseWrapper.client_class is DatabaseClient
    assert issubclass(DatabaseClient, BaseDatabaseClient)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hunter2",
        "host=db password=hunter2",
        " postgresql://u:hunter2@db/shop",
        "mysql://u:hunter2@db/shop",
        "sqlite:///hunter2",
        "postgresql://u:hunter2@db",
        "postgresql://u:hunter2@db/",
        "postgresql://u:hunter2@db:0/shop",
        "postgresql://u:hunter2@db:65536/shop",
        "postgresql://u:hunter2@db:port/shop",
        "postgresql://u:hunter2@one:1,two:70000/shop",
        "postgresql://u:hunter2@db/shop?hunter2=1",
        "postgresql://u:hunter2@db/shop?conn_max_age=60",
        "postgresql://u:hunter2@db/shop?options=-c a=b",
        "postgresql://u:hunter2@[::1/shop",
        "postgresql://u:12/hunter2@db/shop",
        "postgresql://u:hunter2?@db/shop",
        "postgresql://u:hunter2#@db/shop",
        "postgresql://u:hunter2@db/%zz",
    ],
)
def test_url_that_libpq_reads_otherwise_is_refused(url):
    with pytest.raises(SettingsError, match=r"^DATABASE_URL") as refused:
        database("DATABASE_URL", url)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None
