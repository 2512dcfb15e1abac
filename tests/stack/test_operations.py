"""docs/operations.md: its commands do what they say, and a restored shop sells on."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import config.settings
from tests.kit.compose import GIVEN
from tests.kit.machine import Machine, machine
from tests.kit.machine_servers import Servers
from tests.kit.plain_sql import GatewayClient, sql
from tests.kit.platforms import Recorder
from tests.kit.processes import ROOT, open_folder

PAGE = (ROOT / "docs/operations.md").read_text()
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
COMMAND = r"docker compose (?:run --rm|exec) (\w+) python (manage\.py [a-z_]+(?: --[a-z-]+(?: \w+)?)*)"
MANAGE = sorted(set(re.findall(COMMAND, PAGE)))
ASKS = {"manage.py createsuperuser": {"DJANGO_SUPERUSER_PASSWORD": "only for this test"}}


def written(program: str) -> list[str]:
    """A command of PostgreSQL's as the page has it, without what only a container needs."""
    (line,) = re.findall(rf"docker compose exec -T postgres ({program} .*?) [<>]", PAGE)
    return shlex.split(line)


@pytest.mark.parametrize(("service", "command"), MANAGE)
def test_commands_of_the_page_all_run(stack: Machine, service, command):
    asked = command.endswith("createsuperuser")
    answers = ("--noinput", "--username", "operator", "--email", "o@shop.example") if asked else ()
    done = stack.run(service, "python", *command.split(), *answers, **ASKS.get(command, {}))
    assert done.returncode == 0, done.stdout + done.stderr


def test_page_has_the_commands_that_operators_need():
    names = {command.split()[1] for _, command in MANAGE}
    assert names >= {"migrate", "audit", "redeliver_events", "recompute_rankings", "check", "createsuperuser"}


def test_alerts_have_their_steps():
    headings = " ".join(re.findall(r"^### (.*)$", PAGE, re.MULTILINE))
    assert {rule["alert"] for rule in ALERTS} == set(re.findall(r"\w+", headings))


def test_metrics_of_the_page_are_all_counted_somewhere():
    (table,) = re.findall(r"(?m)^\| metric .*\n(?:\|.*\n)+", PAGE)
    named = set(re.findall(r"`(shop_[a-z_]+)`", table))
    defined = {
        name
        for file in ROOT.glob("[a-z]*/**/*.py")
        if not {"tests", "benchmarks"} & {*file.parts}
        for name in re.findall(r'"(shop_[a-z_]+)"', file.read_text())
    }
    assert named == defined


def test_query_for_lock_waits_runs(servers: Servers):
    (query,) = re.findall(r"SELECT pid, .*?;", PAGE, re.DOTALL)
    assert sql(servers, query)


ROLE = re.findall(r"```sql\n(CREATE ROLE shop_web .*?)```", PAGE, re.DOTALL)


def test_role_of_the_web_servers_may_import_files(servers: Servers):
    """It brings ids and notes what it read in temporary tables."""
    sequence = "products_product_id_seq"
    asked = f"SELECT setval('{sequence}', last_value + 1000000) FROM {sequence}; CREATE TEMPORARY TABLE x ()"
    sql(servers, f"BEGIN; {ROLE[0]}; SET LOCAL ROLE shop_web; {asked}; ROLLBACK;")


def test_role_of_the_web_servers_gets_their_bounds_and_may_sell(servers: Servers):
    (role,) = ROLE
    able = "SELECT has_table_privilege('shop_web', 'orders_order', 'INSERT')"
    bounds = "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'shop_web'::regrole"
    said = sql(servers, f"BEGIN; {role}; {able}; {bounds}; ROLLBACK;")
    patience = (
        "lock_timeout=3s,statement_timeout=15s,idle_in_transaction_session_timeout=15s"
        ",client_connection_check_interval=10ms"
    )
    assert said == f"t\n{{{patience}}}"
    assert patience.replace(",", " -c ") in config.settings.WEB_DATABASE_BOUNDS


@pytest.fixture(scope="module")
def dump(stack: Machine, servers: Servers, http: GatewayClient) -> Path:
    """A shop that has sold something, dumped as the page says."""
    http.charge(20, 50_000)
    assert http.order(20, {1: 3, 2: 1}).status == 201
    command, file = written("pg_dump"), stack.folder / "pointshop.dump"
    with file.open("wb") as output:
        program = servers.program(command[0])
        subprocess.run([program, *command[1:]], env=servers.environment(), stdout=output, check=True)
    return file


@pytest.fixture(scope="module")
def restored(dump: Path, platform: Recorder) -> Iterator[Machine]:
    """Another machine with an empty server, filled as the page says."""
    with (
        open_folder("stack") as folder,
        machine(folder, DATA_PLATFORM_URL=platform.url, WEB_CONCURRENCY="1") as second,
    ):
        servers, command = Servers(second), written("pg_restore")
        servers.start_postgres()
        with dump.open("rb") as data:
            program = servers.program(command[0])
            subprocess.run([program, *command[1:]], env=servers.environment(), stdin=data, check=True)
        for redis in ("redis-broker", "redis-cache"):
            servers.start_redis(redis)
        yield second


def test_restored_shop_adds_up_and_sells_on(stack: Machine, restored: Machine, servers: Servers):
    count = "SELECT count(*), sum(total) FROM orders_order WHERE user_id = 20"
    assert sql(Servers(restored), count) == sql(servers, count)
    for command in ((), ("python", "manage.py", "audit")):
        done = restored.run("migrate", *command)
        assert done.returncode == 0, done.stdout + done.stderr
    restored.start("web")
    restored.wait_until_healthy("web")
    shop = GatewayClient(f"http://127.0.0.1:{restored.port('web')}", GIVEN["GATEWAY_SECRET"])
    balance = shop.get("points", user=20).json["balance"]
    answer = shop.order(20, {1: 1})
    assert answer.status == 201, (answer.json, restored.log("web").read_text()[-2000:])
    assert answer.json["balance_after"] == balance - 1000
    assert restored.run("worker", "python", "manage.py", "audit").returncode == 0


def test_dump_that_lost_a_payment_would_fail_the_audit(restored: Machine):
    lost = (
        "SET session_replication_role = replica; DELETE FROM points_pointtransaction WHERE type = 'payment';"
    )
    sql(Servers(restored), lost)
    assert restored.run("worker", "python", "manage.py", "audit").returncode == 1
