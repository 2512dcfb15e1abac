"""Each form of REDIS_URL and DATABASE_URL on real servers: every reader gets there, the worker included."""

import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any
from urllib.parse import quote

import pytest
import redis
from django.db import connection
from django.db.utils import ConnectionHandler
from kombu import Connection
from kombu.exceptions import OperationalError

from config.services import celery_broker, database, redis_url
from core.embedded.servers import SERVICES
from products.factories import ProductFactory
from tests.kit import processes
from tests.kit.client import Client
from tests.kit.platforms import accept, recorder
from tests.kit.processes import free_port, until

PASSWORD = "p@s s/w:o#r$d%+,;"
SPELT = quote(PASSWORD, safe="")
SOCKET = "a,b;c%41.sock"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Short, because the path of a socket has at most 107 bytes."""
    with processes.open_folder("redis") as path:
        yield path


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[dict[str, str]]:
    """A Redis that wants a password: its port and its socket."""
    port, sock = free_port(), folder / SOCKET
    configuration = folder / "redis.conf"
    configuration.write_text(
        f'port {port}\nbind 127.0.0.1 ::1\nunixsocket "{sock}"\nrequirepass "{PASSWORD}"\nsave ""\n'
        "appendonly no\nuser shop on >w@rd ~* &* +@all\n"
    )
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen([SERVICES.programs.redis(), configuration], cwd=folder, stdout=log)
    try:
        until(sock.exists)
        yield {"port": str(port), "socket": quote(str(sock))}
    finally:
        processes.end(running)


FORMS = {
    "TCP": "redis://:{password}@127.0.0.1:{port}/3?health_check_interval=10",
    "a raw @ in the password": "redis://shop:w@rd@127.0.0.1:{port}?db=3&socket_timeout=2",
    "IPv6": "redis://shop:w%40rd@[::1]:{port}/3",
    "a socket": "unix://:{password}@{socket}?db=3&health_check_interval=5",
    "a socket as Celery spells it": "redis+socket://shop:w%40rd@{socket}?virtual_host=3",
    "a password in the query": "redis://127.0.0.1:{port}/3?password={password}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_cache_and_broker_reach_one_database_of_redis(server, form):
    url = redis_url("REDIS_URL", form.format(password=SPELT, **server))
    with redis.Redis.from_url(url) as direct, Connection(**as_kombu(url)) as broker:
        channel: Any = broker.default_channel
        direct.set("written", "by the cache")
        assert channel.client.get("written") == b"by the cache"
        assert channel.client.client_info()["db"] == 3
        direct.flushdb()


def as_kombu(url: str) -> dict[str, Any]:
    broker = celery_broker(url, transport_options={"socket_timeout": 1, "socket_connect_timeout": 1})
    return {
        "hostname": broker["url"],
        "transport_options": broker["transport_options"],
    }


def test_worker_delivers_by_a_socket_with_a_password(transactional_db, http, buyer, server, tmp_path):
    """The web server's wake-ups go elsewhere, so that only beat and worker, who share this Redis, deliver."""
    url = f"unix://:{SPELT}@{server['socket']}?db=1&health_check_interval=10"
    log = tmp_path / "worker.log"
    with recorder() as platform:
        platform.answers = accept
        with processes.worker(log=log, REDIS_URL=url, DATA_PLATFORM_URL=platform.url):
            order = http.order(buyer, {ProductFactory(price=1).pk: 1}).json["id"]
            until(lambda: platform.of_order(order))
    for shown in (PASSWORD, SPELT):
        assert shown not in log.read_text()


@contextmanager
def behind_tls(folder: Path, sock: str) -> Iterator[int]:
    """A port that ends TLS and hands on to a unix socket; its certificate is `folder / "cert.pem"`."""
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *names]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            try:
                client = context.wrap_socket(self.request, server_side=True)
            except ssl.SSLError:  # a client that does not trust us
                return
            with client, socket.socket(socket.AF_UNIX) as redis_socket:
                redis_socket.connect(sock)
                while question := client.recv(65536):
                    redis_socket.sendall(question)
                    client.sendall(redis_socket.recv(65536))

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as tls:
        tls.daemon_threads = True
        threading.Thread(target=tls.serve_forever, daemon=True).start()
        yield tls.server_address[1]
        tls.shutdown()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_cache_and_broker_use_tls_and_the_configured_certificate(server, folder):
    with behind_tls(folder, str(folder / SOCKET)) as port:
        place = f"rediss://:{SPELT}@localhost:{port}/3"
        for options in (f"ssl_ca_certs={folder}/cert.pem", "ssl_cert_reqs=none&ssl_check_hostname=false"):
            url = redis_url("REDIS_URL", f"{place}?{options}")
            with redis.Redis.from_url(url) as direct, Connection(**as_kombu(url)) as broker:
                channel: Any = broker.default_channel
                assert direct.ping()
                assert channel.client.ping()
        stranger = redis_url("REDIS_URL", place)
        with redis.Redis.from_url(stranger, retry=None) as direct, pytest.raises(redis.ConnectionError):
            direct.ping()
        with Connection(**as_kombu(stranger)) as broker, pytest.raises(OperationalError):
            broker.ensure_connection(max_retries=1)


def spelt(form: str) -> str:
    """A URL of the tests' database in this form."""
    ours = connection.settings_dict
    return form.format(user=ours["USER"], folder=quote(ours["HOST"], safe=""), name=ours["NAME"])


DATABASES = {
    "a socket in the place of the host": "postgresql://{user}@{folder}/{name}",
    "a socket in the query": "postgresql://{user}@/{name}?host={folder}",
    "several hosts": (
        "postgresql://{user}@%2Fnowhere:1,{folder}:5432/{name}?target_session_attrs=read-write&connect_timeout=3"
    ),
}


@pytest.mark.parametrize("form", DATABASES.values(), ids=DATABASES)
def test_django_reaches_the_database(transactional_db, form):
    configured = {**database("DATABASE_URL", spelt(form)), "ENGINE": "django.db.backends.postgresql"}
    opened = ConnectionHandler({"default": configured})["default"]
    with opened.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert cursor.fetchone() == (connection.settings_dict["NAME"],)
    opened.close()


def test_refusal_of_the_server_is_logged(transactional_db, tmp_path):
    """Nothing here can judge `options`: each process tries again, and says each time why it cannot."""
    url = processes.environment()["DATABASE_URL"] + "&options=-c%20timezone=Mars"
    log, reason = tmp_path / "log", r"invalid value for parameter \"TimeZone\": \"Mars\""
    with processes.web(log=log, DATABASE_URL=url) as shop:
        client = Client(shop)
        assert (client.get("/readyz").status, client.get("products").status) == (503, 503)
    lines = log.read_text().splitlines()
    for event in ("dependency_down", "database_failure"):
        assert [line for line in lines if f'"{event}"' in line and reason in line]
    nobody = f"http://127.0.0.1:{free_port()}/events"
    with processes.worker(log=log, DATABASE_URL=url, DATA_PLATFORM_URL=nobody):
        until(
            lambda: [
                line for line in log.read_text().splitlines() if "sweep_put_off" in line and reason in line
            ]
        )
    assert "Traceback" not in log.read_text()


def test_dbshell_reaches_the_first_host_that_can_be_written(transactional_db):
    """And hands on what the URL says beside, of which Django itself would give psql some options only."""
    query = "--command=SELECT current_database() || current_setting('application_name')"
    psql = ["manage.py", "dbshell", "--", "--no-psqlrc", "--tuples-only", query]
    path = str(SERVICES.programs.postgres("psql").parent)
    url = spelt(DATABASES["several hosts"]) + "&application_name=psql_by_url"
    env = processes.environment(DATABASE_URL=url, PATH=path)
    said = subprocess.check_output([sys.executable, *psql], cwd=processes.ROOT, env=env, text=True)
    assert said.strip() == connection.settings_dict["NAME"] + "psql_by_url"
