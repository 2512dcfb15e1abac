"""One sentinel:// URL: the same master for every reader, or a refused start that shows nothing of it."""

import re
from urllib.parse import parse_qs

import pytest
import redis

from config.celery import app
from config.dotenv import SettingsError
from config.services import celery_broker, redis_url
from config.tests.test_services import channel_of_the_worker, pool_of_the_cache

SENTINELS = {
    "sentinel://one?master_name=shop": ([("one", 26379)], {"db": 0}, {}),
    "sentinel://:word@one:1;sentinel://two/3?master_name=shop": (
        [("one", 1), ("two", 26379)],
        {"password": "word", "db": 3},
        {"password": None},
    ),
    "sentinel://one;two:2;[::1]:3/0?master_name=shop": (
        [("one", 26379), ("two", 2), ("::1", 3)],
        {"db": 0},
        {},
    ),
    "sentinel://u:p%3Bw@one/2;sentinel://u:p%3Bw@two/2?master_name=a.b-c_1": (
        [("one", 26379), ("two", 26379)],
        {"username": "u", "password": "p;w", "db": 2},
        {"username": None},
    ),
    "sentinel://:p@s:s$%+,!@one?sentinel_password=p%3Bw&sentinel_username=watch&master_name=shop&db=4": (
        [("one", 26379)],
        {"password": "p@s:s$%+,!", "db": 4},
        {"username": "watch", "password": "p;w"},
    ),
    "sentinel://one;two/?socket_timeout=4&health_check_interval=7&master_name=shop": (
        [("one", 26379), ("two", 26379)],
        {"socket_timeout": 4, "health_check_interval": 7, "socket_connect_timeout": 1},
        {"socket_timeout": 2, "socket_connect_timeout": 0.5},
    ),
    "sentinel://one?ssl_cert_reqs=CERT_NONE&ssl_check_hostname=false&master_name=shop": (
        [("one", 26379)],
        {"ssl_cert_reqs": "none", "ssl_check_hostname": False},
        {"ssl_cert_reqs": "none", "ssl_check_hostname": False},
    ),
}


@pytest.mark.parametrize(("url", "meant"), SENTINELS.items())
def test_readers_of_redis_ask_the_same_sentinels_for_the_same_master(url, meant):
    sentinels, to_redis, to_sentinel = meant
    read = redis_url("REDIS_URL", url)
    patience = {"socket_timeout": 1, "socket_connect_timeout": 1}
    cache = pool_of_the_cache(read, **patience)
    worker = channel_of_the_worker(read, **patience)._get_pool()
    for pool in (cache, worker):
        asked = [client.get_connection_kwargs() for client in pool.sentinel_manager.sentinels]
        assert [(each["host"], each["port"]) for each in asked] == sentinels
        assert all({key: each[key] for key in to_sentinel} == to_sentinel for each in asked)
        assert all(each["retry"] is None for each in asked)
        assert {key: pool.connection_kwargs.get(key) for key in to_redis} == to_redis
        assert pool.service_name == parse_qs(url.partition("?")[2])["master_name"][0]
        assert issubclass(pool.connection_class, redis.SSLConnection) == ("ssl_" in url)
    assert redis_url("REDIS_URL", read) == read


def test_broker_is_named_in_logs_without_secrets():
    read = redis_url("REDIS_URL", "sentinel://u:word@one;two/3?master_name=shop&sentinel_password=hunter2")
    broker = app.connection_for_write(celery_broker(read, transport_options={})["url"])
    assert broker.as_uri() == "sentinel://one:26379,sentinel://two:26379"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sentinel://:hunter2@one;two/0", "needs .master_name="),
        ("sentinel://:hunter2@one?master_name=", "needs .master_name="),
        ("sentinel://:hunter2@one?master_name=hun%20ter2", "needs .master_name="),
        ("sentinel://:hunter2@one?master_name=a&master_name=b", "each once"),
        ("sentinel://:hunter2@one?master=shop", "each once: .*; with sentinel:// also master_name"),
        ("sentinel://:hunter2@one?master_name=shop&sentinel_password=", "each once"),
        ("sentinel://:hunter2@one;:other@two/0?master_name=shop", "two passwords"),
        ("sentinel://:hunter2@one/1;sentinel://two/2?master_name=shop", "two passwords, users or databases"),
        ("sentinel://one/0?master_name=shop&sentinel_password=hun;ter2", "as in sentinel://"),
        ("sentinel://one?master_name=shop;sentinel://:hunter2@two", "as in sentinel://"),
        ("sentinel://:hunter2@one;/0?master_name=shop", "as in sentinel://"),
        ("sentinel:///0?master_name=shop", "as in sentinel://"),
        ("sentinel://:hunter2@one,two:1/0?master_name=shop", "must be as in"),
        ("sentinel://:hun;ter2@one/0?master_name=shop", "percent-encode"),
        ("sentinel://:hun/ter2@one/0?master_name=shop", "percent-encode"),
        ("sentinel://:hun?ter2@one/0?master_name=shop", "percent-encode"),
        ("sentinel://:hunter2@one/shop/0?master_name=shop", "must be as in"),
        ("sentinel://:hunter2@one:0?master_name=shop", "must be as in"),
        ("sentinel://one;redis://:hunter2@two/0?master_name=shop", "percent-encode"),
        ("sentinel://:hunter2@one?master_name=shop&socket_timeout=0", "time-out"),
        ("redis://:hunter2@one?master_name=shop", "each once"),
        ("redis+sentinel://:hunter2@one?master_name=shop", "must begin with .* or sentinel://"),
        ("sentinels://:hunter2@one?master_name=shop", "must begin with .* or sentinel://"),
    ],
)
def test_sentinel_url_without_master_or_address_is_refused_in_words(url, said):
    with pytest.raises(SettingsError, match=said) as refused:
        redis_url("REDIS_URL", url)
    assert str(refused.value).startswith("REDIS_URL ")
    assert not {"hun", "ter2", "hunter2"} & set(re.split(r"\W+", str(refused.value)))
    assert refused.value.__cause__ is None
