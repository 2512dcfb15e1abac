"""deploy/pgbouncer/pgbouncer.ini: a second host, whose web and worker share a few connections."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from tests.kit.client import Answer
from tests.kit.compose import GIVEN, Service
from tests.kit.machine import Machine
from tests.kit.machine_servers import Servers
from tests.kit.plain_sql import GatewayClient, sql
from tests.kit.platforms import Recorder
from tests.kit.processes import ROOT, free_port, open_folder, until
from tests.kit.scenes import at_once

EXAMPLE = (ROOT / "deploy/pgbouncer/pgbouncer.ini").read_text()
PAGE = (ROOT / "docs/operations.md").read_text()
SECRET = GIVEN["POSTGRES_PASSWORD"]
(PARAMETERS,) = re.findall(r"/pointshop(\?\w+=\w+)", PAGE)
BUYERS = range(30, 60)
# Fetches some rows, and the others while somebody else's transaction has the connection.
READ_IN_PORTIONS = """
import django; django.setup()
import psycopg
from django.db import connection
from users.models import User

rows = User.objects.order_by("pk").iterator(chunk_size=5)
first = next(rows)
with psycopg.connect(**connection.get_connection_params()) as other:
    other.execute("SELECT 1")
    print(1 + sum(1 for row in rows))
"""

# Two sessions that pgbouncer gives the same connection in turn.
READ_IN_TURN = """
import django; django.setup()
from concurrent.futures import ThreadPoolExecutor
from products.selectors import product

with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
    for each in (first, second, first, second):
        print(each.submit(product, product_id=1).result()[0].id)
"""


class SecondHost(Machine):
    """A machine of whose PostgreSQL only pgbouncer is seen."""

    parameters = PARAMETERS

    def environment(self, service: Service) -> dict[str, str]:
        """What the page says of `DATABASE_URL`."""
        env = super().environment(service)
        role = "shop_web" if service.name == "web" else "pointshop"
        url = env["DATABASE_URL"].replace("//pointshop:", f"//{role}:")
        return {**env, "DATABASE_URL": url + self.parameters, "PREPARED_STATEMENTS": "0"}


@pytest.fixture(scope="module")
def role(servers: Servers) -> Iterator[None]:
    """The role of the page, as an operator makes it."""
    (made,) = re.findall(r"```sql\n(CREATE ROLE shop_web .*?)```", PAGE, re.DOTALL)
    sql(servers, made.replace("PASSWORD '…'", f"PASSWORD '{SECRET}'"))
    yield
    sql(servers, "DROP OWNED BY shop_web; DROP ROLE shop_web;")


@contextmanager
def pgbouncer(folder: Path, stack: Machine) -> Iterator[int]:
    """The example, with its ports and files on this machine; where it listens."""
    here = {
        "host=postgres port=5432": f"host=127.0.0.1 port={stack.port('postgres')}",
        "listen_addr = *": "listen_addr = 127.0.0.1",
        "listen_port = 6432": f"listen_port = {(port := free_port())}",
        "/etc/pgbouncer": str(folder),
    }
    text = EXAMPLE
    for theirs, ours in here.items():
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    (folder / "pgbouncer.ini").write_text(text + "unix_socket_dir =\n")
    (folder / "userlist.txt").write_text(
        "".join(f'"{who}" "{SECRET}"\n' for who in ("shop_web", "pointshop"))
    )
    who = Servers(stack).account
    command = [*who.prefix, "/usr/sbin/pgbouncer", folder / "pgbouncer.ini"]
    with (folder / "pgbouncer.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, env={"PATH": os.defpath}, **who.switch)
    try:
        until(lambda: b"process up" in (folder / "pgbouncer.log").read_bytes())
        yield port
    finally:
        running.terminate()
        running.wait(10)


@pytest.fixture(scope="module")
def second(stack: Machine, role: None) -> Iterator[SecondHost]:
    """Web and worker of the second host."""
    with open_folder("second") as folder, pgbouncer(folder, stack) as port:
        (folder / "shop").symlink_to(stack.checkout)
        own = {"postgres": port, "web": free_port(), "worker": free_port()}
        host = SecondHost(folder, stack.given, ports={**stack.ports, **own})
        try:
            for each in ("web", "worker"):
                host.start(each)
            host.wait_until_healthy("web")
            yield host
        finally:
            host.end_all()


@pytest.fixture(scope="module")
def groups(second: SecondHost, http: GatewayClient) -> list[GatewayClient]:
    """The first host's web and the second's."""
    url = f"http://127.0.0.1:{second.port('web')}"
    return [http, GatewayClient(url, GIVEN["GATEWAY_SECRET"])]


def connected(host: Machine, user: str = "pointshop", **options: str) -> "closing[psycopg.Connection[Any]]":
    """A connection to what a host takes for PostgreSQL."""
    where: Mapping[str, Any] = {"host": "127.0.0.1", "port": host.port("postgres"), "dbname": "pointshop"}
    return closing(psycopg.connect(**where, user=user, password=SECRET, **options))


def test_hosts_of_which_one_is_behind_pgbouncer_sell_the_same_stock(
    groups, servers: Servers, platform: Recorder, second: SecondHost, audit
):
    calls = [
        call
        for user in BUYERS
        for shop in groups
        for call in (
            lambda shop=shop, user=user: shop.charge(user, 10_000),
            lambda shop=shop, user=user: shop.order(user, {1: 1, 2: 1}),
            lambda shop=shop, user=user: shop.post("coupons/1/issue", user=user),
            lambda shop=shop: shop.get("rankings/products"),
        )
    ]
    Random(1).shuffle(calls)
    answers: list[Answer] = at_once(calls)
    refused = {answer.code for answer in answers if answer.status not in {200, 201}}
    assert refused <= {"insufficient_points", "coupon_already_issued", "coupon_sold_out"}
    assert 1 <= connections_of_shop_web(servers) <= int(setting("default_pool_size"))
    until(lambda: "event_delivered" in bought_more(groups, second))
    until(lambda: sql(servers, "SELECT count(*) FROM orders_orderevent WHERE state <> 'delivered'") == "0")
    audit()


def bought_more(groups, second: SecondHost) -> str:
    """What the second host's worker has written, after another order at each."""
    for shop in groups:
        assert shop.charge(30, 1_000).status == shop.order(30, {3: 1}).status == 201
    return second.log("worker").read_text()


def connections_of_shop_web(servers: Servers) -> int:
    return int(sql(servers, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_web'"))


def setting(name: str) -> str:
    (value,) = re.findall(rf"(?m)^{name} = (.*)$", EXAMPLE)
    return str(value)


def test_lock_waits_behind_pgbouncer_are_bounded_alike(groups, stack: Machine):
    with connected(stack) as holder:
        holder.execute("SELECT 1 FROM products_product WHERE id = 5 FOR UPDATE")
        assert groups[1].charge(30, 1_000).status == 201
        assert groups[1].order(30, {5: 1}).code == "busy"


@pytest.mark.parametrize(("user", "bound"), [("shop_web", "3s"), ("pointshop", "0")])
def test_bound_on_locks_is_the_role_s_and_not_the_start_up_options(second: SecondHost, user, bound):
    with connected(second, user, options="-c lock_timeout=3s") as through:
        assert through.execute("SHOW lock_timeout").fetchone() == (bound,)


@pytest.mark.parametrize(("parameters", "works"), [(PARAMETERS, True), ("", False)])
def test_export_reads_on_though_others_had_its_connection(second: SecondHost, parameters, works):
    host = SecondHost(second.folder, second.given, ports=second.ports)
    host.parameters = parameters
    done = host.run("web", "python", "-c", READ_IN_PORTIONS, DJANGO_SETTINGS_MODULE="config.settings")
    assert (done.returncode == 0) == works, done.stderr
    assert (done.stdout == "100\n") == works
    assert works or "InvalidCursorName" in done.stderr


@pytest.mark.parametrize(("setting", "lost"), [("0", False), ("1", True)])
def test_prepared_statements_left_on_behind_an_old_pgbouncer_do_no_harm(second: SecondHost, setting, lost):
    env = {"DJANGO_SETTINGS_MODULE": "config.settings", "PREPARED_STATEMENTS": setting}
    done = second.run("web", "python", "-c", READ_IN_TURN, **env)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"(?m)^1$", done.stdout) == ["1"] * 4
    assert ("plans_lost" in done.stdout + done.stderr) == lost
