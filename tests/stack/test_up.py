"""What `docker compose up` starts works: an order goes in over HTTP, its event comes out at the platform."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
import urllib3

from core.embedded.processes import command_lines
from tests.kit.compose import GIVEN
from tests.kit.machine import Machine
from tests.kit.machine_servers import Servers
from tests.kit.plain_sql import GatewayClient
from tests.kit.processes import session_of, until

REDIS = ("redis-broker", "redis-cache")
REQUEST_ID = "checkout-of-this-test"
# Celery writes these to the terminal itself when it is told to stop.
SAYS_GOODBYE = re.compile(r"worker: |$")


def test_health_checks_see_their_services_well(stack: Machine, servers: Servers):
    assert stack.is_healthy("web")
    assert stack.is_healthy("worker")
    assert stack.is_healthy("beat")
    assert servers.is_healthy()
    assert servers.redis_is_healthy("redis-broker")
    assert servers.redis_is_healthy("redis-cache")


def test_health_check_fails_without_its_service(stack: Machine):
    """Another machine with the same files, where nothing runs."""
    empty = Machine(stack.folder, stack.given, ports={**stack.ports, "web": 9})
    assert not empty.is_healthy("web")


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_health_check_fails_where_a_process_does_not_turn(stack: Machine, name):
    running, file = stack.running[name], stack.tmpfs(stack.service(name), "/tmp") / name
    running.send_signal(signal.SIGSTOP)
    try:
        os.utime(file, (0, 0))
        assert not stack.is_healthy(name)
        file.unlink()
        assert not stack.is_healthy(name)
    finally:
        running.send_signal(signal.SIGCONT)
    stack.wait_until_healthy(name)


def test_servers_took_the_options_of_the_compose_file(stack: Machine, servers: Servers):
    psql = [
        servers.program("psql"),
        "-XqAt",
        "--username=pointshop",
        "pointshop",
        "-c",
        "SHOW max_connections",
    ]
    assert subprocess.check_output(psql, env=servers.environment(), text=True).strip() == "200"
    policies = {
        name: servers.redis_cli(name, "config", "get", "maxmemory-policy").stdout.split()[1] for name in REDIS
    }
    assert policies == {"redis-broker": "noeviction", "redis-cache": "allkeys-lru"}


@pytest.mark.parametrize("name", REDIS)
def test_redis_refuses_clients_without_the_password(servers: Servers, name):
    for wrong in ("", "guessed"):
        assert servers.redis_cli(name, "get", "key", REDISCLI_AUTH=wrong).stdout.startswith("NOAUTH")
        assert servers.redis_cli(name, "-e", "ping", REDISCLI_AUTH=wrong).returncode != 0
    assert servers.redis_cli(name, "get", "key").stdout == "\n"


@pytest.mark.parametrize("name", [*REDIS, "web", "worker", "beat", "postgres"])
def test_command_lines_contain_no_password(stack: Machine, name):
    """Its children's neither; that of a health check is seen with the service's own."""
    members = [pid for pid in command_lines() if session_of(pid) == stack.running[name].pid]
    lines = [command_lines().get(pid, "") for pid in members] + stack.service(name).healthcheck
    secrets = [value for name, value in GIVEN.items() if re.search("SECRET|PASSWORD", name)]
    assert members
    assert not any(secret in line for secret in secrets for line in lines)


def test_beat_needs_no_server_but_the_broker(stack: Machine):
    """So it is in no other network."""
    alone = Machine(stack.folder, stack.given, ports={**stack.ports, "postgres": 9, "redis-cache": 9})
    file = alone.tmpfs(alone.service("beat"), "/tmp") / "alone"
    service = alone.service("beat")
    argv, options = alone.command(service, service.command)
    options["env"] = {**alone.environment(service), "BEAT_FILE": str(file)}
    alone.launch("beat-alone", argv, **options)
    try:
        until(file.exists)
        assert "broker_away" not in alone.log("beat-alone").read_text()
    finally:
        alone.end_all()


def test_order_reaches_the_platform_under_the_id_of_its_request(
    stack: Machine, http: GatewayClient, platform, audit
):
    assert http.charge(1, 10_000).status == 201
    answer = http.post(
        "orders",
        {"items": [{"product_id": 1, "quantity": 2}]},
        user=1,
        headers={"X-Request-Id": REQUEST_ID},
    )
    assert answer.status == 201
    ((headers, body),) = until(lambda: platform.of_order(answer.json["id"]))
    assert headers["X-Request-Id"] == REQUEST_ID
    line = until(lambda: line_of(stack, "worker", "event_delivered", request_id=REQUEST_ID))
    assert (line["order_id"], line["event_id"]) == (answer.json["id"], json.loads(body)["id"])
    assert line_of(stack, "web", "request", request_id=REQUEST_ID)["status"] == 201
    audit()


def lines(stack: Machine, name: str) -> list[str]:
    return stack.log(name).read_text().splitlines()


def line_of(stack: Machine, name: str, event: str, **values: object):
    """The first line of a service's log about an event, with these values."""
    said = [json.loads(line) for line in lines(stack, name) if line.startswith("{")]
    found = [line for line in said if line["event"] == event and values.items() <= line.items()]
    return found[0] if found else None


def test_counts_of_a_dead_process_stay_and_its_successor_goes_on(stack: Machine, http: GatewayClient):
    def count() -> float:
        sample = r'shop_http_requests_total\{method="GET",route="coupon-list",status="200"\} (\S+)'
        return float(re.search(sample, http.get("/metrics").body.decode())[1])

    def children() -> set[str]:
        pid = stack.running["web"].pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    for _ in range(20):
        http.get("coupons")
    counted, killed = count(), min(children(), key=int)
    os.kill(int(killed), signal.SIGKILL)
    until(lambda: len(children() - {killed}) == 2)
    stack.wait_until_healthy("web")
    assert count() >= counted
    http.get("coupons")
    assert count() == counted + 1


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_log_lines_are_all_json(stack: Machine, name):
    strange = [
        line for line in lines(stack, name) if not line.startswith("{") and not SAYS_GOODBYE.match(line)
    ]
    assert strange == []
    assert all(
        {"event", "level", "timestamp"} <= json.loads(line).keys()
        for line in lines(stack, name)
        if line[:1] == "{"
    )


def test_cache_that_is_gone_degrades_the_shop_and_no_more(stack: Machine, http: GatewayClient):
    parts = {"database": "ok", "broker": "ok"}
    assert http.get("/readyz").json == {"status": "ok", **parts, "cache": "ok"}
    with stack.stopped("redis-cache"):
        assert http.get("/readyz").json == {"status": "degraded", **parts, "cache": "down"}
    until(lambda: http.get("/readyz").json["status"] == "ok")


@pytest.mark.parametrize("name", ["web", "worker", "beat", "migrate"])
def test_service_cannot_write_where_a_container_could_not(stack: Machine, name):
    attempt = "import pathlib, sys; pathlib.Path('manage.py').open('a')"
    assert "PermissionError" in stack.run(name, "python", "-c", attempt).stderr
    assert "PermissionError" in stack.run(name, "python", "-c", "open('new', 'w')").stderr
    assert stack.run(name, "python", "-c", "import tempfile; tempfile.TemporaryFile()").returncode == 0


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_services_are_not_root_and_may_do_nothing_that_only_root_may(stack: Machine, name):
    assert stack.run(name, "python", "-c", "import os; print(os.getuid())").stdout != "0\n"
    status = Path(f"/proc/{stack.running[name].pid}/status").read_text()
    assert int(re.search(r"CapEff:\s+(\w+)", status)[1], 16) == 0


def test_probes_answer_under_any_host_and_nothing_else_does(stack: Machine):
    url = f"http://127.0.0.1:{stack.port('web')}"
    for host in ("web:8000", "elsewhere"):
        for path, status in (("/livez", 200), ("/readyz", 200), ("/metrics", 200), ("/api/v1/products", 400)):
            assert urllib3.request("GET", url + path, headers={"Host": host}).status == status
