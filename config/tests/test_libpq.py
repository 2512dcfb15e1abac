"""Options of DATABASE_URL that would end every connection are refused by name at the start."""

import pytest

from config.dotenv import SettingsError
from config.libpq import unusable
from config.services import database

URL = "postgresql://shop:hunter2@db/shop"
REFUSED = {
    "sslmode=hunter2": "sslmode",
    "target_session_attrs=hunter2": "target_session_attrs",
    "channel_binding=hunter2": "channel_binding",
    "gssencmode=hunter2": "gssencmode",
    "sslnegotiation=hunter2&sslmode=require": "sslnegotiation",
    "load_balance_hosts=hunter2": "load_balance_hosts",
    "require_auth=hunter2": "require_auth",
    "sslcertmode=hunter2": "sslcertmode",
    "ssl_min_protocol_version=hunter2": "ssl_min_protocol_version",
    "min_protocol_version=hunter2": "min_protocol_version",
    "service=hunter2": "service",
    "connect_timeout=hunter2": "connect_timeout",
    "connect_timeout=2.5": "connect_timeout",
    "keepalives=hunter2": "keepalives",
    "keepalives_idle=hunter2": "keepalives_idle",
    "keepalives_interval=99999999999": "keepalives_interval",
    "keepalives_count=-1": "keepalives_count",
    "tcp_user_timeout=hunter2": "tcp_user_timeout",
    "client_encoding=latin1": "client_encoding",
    "replication=database": "replication",
    "sslsni=hunter2": "sslsni",
    "hostaddr=hunter2": "hostaddr",
    "host=hunter%202": "host",
    f"host=/{'x' * 100}": "host",
    "host=one,two&port=1,2,3": "port",
    "host=one,two&hostaddr=192.0.2.1": "host, hostaddr",
    "sslnegotiation=direct": "sslnegotiation",
    "ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2": (
        "ssl_min_protocol_version, ssl_max_protocol_version"
    ),
    "sslmode=hunter2&gssencmode=hunter2&application_name=a": "sslmode, gssencmode",
}


@pytest.mark.parametrize(("query", "named"), REFUSED.items())
def test_value_that_ends_every_connection_is_refused_by_its_option(query, named):
    with pytest.raises(SettingsError) as refused:
        database("DATABASE_URL", f"{URL}?{query}")
    assert sorted(str(refused.value).partition(", for ")[2].split(", ")) == sorted(named.split(", "))
    assert str(refused.value).startswith("DATABASE_URL has a value that cannot be used, for ")
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize(
    "query",
    [
        "sslmode=verify-full&sslrootcert=/not-there-yet.pem",
        "sslmode=require&sslnegotiation=direct",
        "gssencmode=require",
        "target_session_attrs=read-write&load_balance_hosts=random&host=one,two,%2Frun&port=5432",
        "host=one,::1&port=1,2",
        "host=db&hostaddr=2001:db8::1",
        "host=@abstract",
        "connect_timeout=5&keepalives=1&keepalives_idle=5&tcp_user_timeout=10000",
        "client_encoding=UTF8&application_name=shop&options=-c%20timezone=Mars",
    ],
)
def test_url_that_only_network_or_server_could_refuse_is_accepted(query):
    database("DATABASE_URL", f"{URL}?{query}")


def test_name_that_django_would_not_connect_to_is_refused():
    with pytest.raises(SettingsError, match="DATABASE_URL names a database by more than 63 characters"):
        database("DATABASE_URL", f"postgresql://db/{'x' * 64}")
    database("DATABASE_URL", f"postgresql://db/{'x' * 63}")


def test_wrong_variable_of_libpq_s_is_not_blamed_on_the_url(monkeypatch):
    monkeypatch.setenv("PGSSLMODE", "wrong")
    assert unusable({"application_name": "shop"}) == []
    assert unusable({"connect_timeout": "x"}) == ["connect_timeout"]


SERVICE = "[shop]\nhost=db\ndbname=shop\noptions=-c search_path=of_the_service\n"


@pytest.mark.parametrize(
    ("query", "variable", "in_force"),
    [
        ("service=shop", "", "of_the_service"),
        ("service=shop", "of_the_variable", "of_the_service"),
        ("dbname=shop", "of_the_variable", "of_the_variable"),
        ("service=shop&options=-c%20search_path=of_the_url", "of_the_variable", "of_the_url"),
    ],
)
def test_session_options_of_a_service_or_a_variable_count(tmp_path, monkeypatch, query, variable, in_force):
    """As they do for psql, though the shop sends options of its own."""
    (tmp_path / "services").write_text(SERVICE)
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    monkeypatch.setenv("PGOPTIONS", f"-c search_path={variable}" if variable else "")
    found = database("DATABASE_URL", f"postgresql:///?{query}")["OPTIONS"]
    assert found["options"] == f"-c search_path={in_force}"
