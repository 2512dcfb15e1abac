"""Settings are read strictly, and refused by name without their value."""

import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from config import environment as env
from config.dotenv import SettingsError
from config.endpoints import rate_limits as limits

flag = partial(env.flag, default=False)
number = partial(env.whole_number, least=1, most=65_535, default=8000)
host = partial(env.host, default="127.0.0.1")
origins = partial(env.origins, required=False, wildcards=False)
wildcards = partial(env.origins, required=False, wildcards=True)
hosts = partial(env.served_hosts, required=False)
rate_limits = partial(env.checked, check=limits)
debug_key = partial(env.secret_key, debug=False)

BAD = [
    *[(flag, value) for value in ("maybe", "", " ", "1 ", " on", "2", "-1", "trues", "1.0", "０", "$DEBUG")],
    *[(number, value) for value in ("80a", "", " ", "80 ", " 80", "0", "-1", "+1", "65536", "1e3", "1_000")],
    *[(number, value) for value in ("80.0", "８０", "9" * 5000, "0x50", "$PORT", "80\n", "None")],
    *[
        (host, value)
        for value in ("", " ", "a b", "127.0.0.1:80", "[::1]:80", "http://a", "a/b", "-a", "::g")
    ],
    *[
        (env.proxies, value)
        for value in ("proxy", "10.0.0.1/8", "10.0.0.0/33", "::1/129", "10.0.0.1 10.0.0.2")
    ],
    *[(origins, value) for value in ("a.example", "https://a.example/", "https://a.example/x", "//a", "*")],
    *[(origins, value) for value in ("https://A.example", "https://a.example:443", "http://a.example:80")],
    *[(origins, value) for value in ("https://*.a.example", "https://가.example", "https://a.example;b")],
    *[
        (origins, value)
        for value in ("https://a.example:", '"https://a.example"', "https://[::1", "https://a\\b")
    ],
    *[(origins, value) for value in ("null", "https://127.1", "https://0x7f000001", "https://127.0.0.01")],
    *[
        (origins, value)
        for value in ("https://[0:0:0:0:0:0:0:1]", "https://[::g]", "https://a.1", "https://a.example:65536")
    ],
    *[(wildcards, value) for value in ("https://*.A.example", "https://a.*.example", "https://*")],
    *[
        (hosts, value)
        for value in ("https://a.example", "a.example:8000", "a.example/", "a.example b.example")
    ],
    *[(hosts, value) for value in ("::1", "*.a.example", "가.example", "'a.example'", "a.example;b", "a_b")],
    *[(env.file_to_touch, value) for value in ("/nowhere/beat", "/etc/passwd/beat", "/")],
    *[(env.gateway_secret, value) for value in (" g", "g ", "g\n", "g\tg", "\x7f", "g\udcff")],
    *[(env.webhook_secret, value) for value in ("whsec_!", "whsec_", "abc", " whsec_YQ==")],
    *[(rate_limits, value) for value in ("x", "*=0/s", "*=1/d", "*=1/s,*=2/s", "*=1", "*=1/s;", "*=１/s")],
    *[(rate_limits, value) for value in (",,,", " ", "*=1/s,", "order-creat=5/s", "*=1/s,order=1/s")],
    *[(debug_key, value) for value in ("", "short", "django-insecure-" + "x" * 50, "x" * 49 + "\udcff")],
]


@pytest.mark.parametrize(("read", "value"), BAD, ids=range(len(BAD)))
def test_invalid_value_is_refused_by_name(monkeypatch, read, value):
    monkeypatch.setenv("THE_SETTING", value)
    with pytest.raises(SettingsError, match="THE_SETTING") as refused:
        read("THE_SETTING")
    assert len(value) < 7 or value not in str(refused.value)


@pytest.mark.parametrize(
    ("read", "value", "meant"),
    [
        *[(flag, each, True) for each in ("1", "true", "True", "ON", "y", "yes", "ok")],
        *[(flag, each, False) for each in ("0", "false", "False", "OFF", "n", "no")],
        (number, "1", 1),
        (number, "65535", 65_535),
        (host, "::1", "::1"),
        (host, "[::1]", "::1"),
        (host, "10.0.0.1", "10.0.0.1"),
        (host, "shop.example", "shop.example"),
        (env.proxies, "*", ["*"]),
        (env.proxies, " 10.0.0.0/8, 127.0.0.1 ,2001:db8::/32,", ["10.0.0.0/8", "127.0.0.1", "2001:db8::/32"]),
        (origins, "https://a.example, http://b:8000", ["https://a.example", "http://b:8000"]),
        (
            origins,
            "https://a.example:8443,app://[::1],http://10.0.0.1:8000,https://1.a",
            ["https://a.example:8443", "app://[::1]", "http://10.0.0.1:8000", "https://1.a"],
        ),
        (wildcards, "https://*.a.example", ["https://*.a.example"]),
        (
            hosts,
            "a.example,.b.example,[::1],10.0.0.1, *",
            ["a.example", ".b.example", "[::1]", "10.0.0.1", "*"],
        ),
        *[
            (env.gateway_secret, each, each)
            for each in ("$ecret", "${A}", r"\$a\n", "'g'", '"g"', "g #g", "비밀")
        ],
        *[(env.text, each, each) for each in ("$PATH", " a ", "a\n", r"\n", "'a'", "#a")],
    ],
)
def test_value_from_the_environment_is_taken_as_it_is(monkeypatch, read, value, meant):
    monkeypatch.setenv("THE_SETTING", value)
    assert read("THE_SETTING") == meant


def test_unset_variable_has_its_default(monkeypatch):
    monkeypatch.delenv("THE_SETTING", raising=False)
    assert (flag("THE_SETTING"), number("THE_SETTING"), host("THE_SETTING")) == (False, 8000, "127.0.0.1")


@pytest.mark.parametrize(
    ("value", "local"),
    [
        *[
            (each, True)
            for each in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1")
        ],
        *[
            (each, False)
            for each in ("::", "0:0::0", "10.0.0.1", "shop", "localhost.example", "::ffff:10.0.0.1")
        ],
        *[(each, False) for each in ("0", "127.1", "")],
    ],
)
def test_loopback_address_is_reached_from_this_machine_alone(value, local):
    assert env.is_loopback(value) is local


@pytest.fixture
def warnings_of(caplog, monkeypatch) -> Callable[..., list[str]]:
    """What is logged for these names in a file, by line, and these in the environment."""

    def warnings(lines: dict[str, int], **environment: str) -> list[str]:
        monkeypatch.setattr(os, "environ", environment)
        with caplog.at_level(logging.WARNING, logger=env.__name__):
            env.warn_of_misspelt_names(Path("/shop/.env"), lines)
        return caplog.messages

    return warnings


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GATEWAY_SECRT", "GATEWAY_SECRET"),
        ("GATEWAYSECRET", "GATEWAY_SECRET"),
        ("gateway_secret", "GATEWAY_SECRET"),
        ("REDIS_URI", "REDIS_URL"),
        ("ALLOWED_HOST", "ALLOWED_HOSTS"),
        ("DEBGU", "DEBUG"),
        ("HOSTS", "HOST"),
        ("RATE_LIMIT", "RATE_LIMITS"),
    ],
)
def test_misspelt_name_is_warned_of_and_its_value_not_shown(warnings_of, name, meant):
    (warning,) = warnings_of({}, **{name: "hunter2"})
    assert name in warning
    assert f"Is {meant} meant?" in warning
    assert "hunter2" not in warning


def test_misspelt_name_in_the_file_is_warned_of_by_line(warnings_of):
    (warning,) = warnings_of({"PROT": 7, "PORT": 8}, PROT="1", PORT="2")
    assert warning == "PROT is no setting of the shop (/shop/.env, line 7). Is PORT meant?"


def test_names_of_other_programs_are_not_warned_of(warnings_of):
    others = [
        "PATH",
        "HOME",
        "HOSTNAME",
        "PGHOST",
        "PGPORT",
        "USER",
        "LANG",
        "POSTGRES_PASSWORD",
        "COMPOSE_FILE",
    ]
    others += ["PROMETHEUS_MULTIPROC_DIR", "DJANGO_SETTINGS_MODULE", "REDIS_SERVICE_HOST", "VIRTUAL_ENV"]
    others += ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
    assert warnings_of({}, **dict.fromkeys([*others, *env.SETTINGS], "1")) == []
