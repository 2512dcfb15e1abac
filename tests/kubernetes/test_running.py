"""What `kubectl apply` starts works, container by container, and ends as pods are ended."""

import os
import signal
from pathlib import Path

import psycopg
import pytest
import urllib3

from core.embedded.processes import command_lines
from tests.kit import manifests
from tests.kit.machine_servers import Servers
from tests.kit.plain_sql import GatewayClient, delivery_of, order_being_sent
from tests.kit.platforms import Recorder, accept
from tests.kit.processes import until
from tests.kubernetes.node import Node, may_be_first

SHOP = ("web", "worker", "beat")


def status(node: Node, name: str) -> dict[str, str]:
    """What the kernel says of a container's process 1."""
    lines = Path(f"/proc/{node.first_process(name)}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_each_probe_sees_its_container_well(node: Node, servers: Servers):
    assert [name for name in SHOP if not node.is_healthy(name)] == []
    assert servers.redis_is_healthy("broker")
    assert servers.redis_is_healthy("cache")


def test_probe_of_web_fails_without_a_server(node: Node):
    assert not Node(node.folder, node.given, ports={**node.ports, "web": 9}).is_healthy("web")


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_probe_notices_a_process_that_lives_and_does_not_turn(node: Node, name):
    pid, file = node.first_process(name), node.tmpfs(node.service(name), "/tmp") / name
    os.kill(pid, signal.SIGSTOP)
    try:
        os.utime(file, (0, 0))
        assert not node.is_healthy(name)
    finally:
        os.kill(pid, signal.SIGCONT)
    node.wait_until_healthy(name)


def test_probe_of_a_worker_succeeds_with_a_silent_broker(node: Node):
    broker, file = node.running["broker"], node.tmpfs(node.service("worker"), "/tmp") / "worker"
    broker.send_signal(signal.SIGSTOP)
    try:
        until(lambda: "Cannot connect" in node.log("worker").read_text())
        os.utime(file, (0, 0))
        node.wait_until_healthy("worker")
    finally:
        broker.send_signal(signal.SIGCONT)


def test_order_reaches_the_platform(http: GatewayClient, platform: Recorder):
    assert http.charge(1, 10_000).status == 201
    answer = http.order(1, {1: 2})
    assert answer.status == 201
    assert until(lambda: platform.of_order(answer.json["id"]))
    assert http.get("/readyz").json["status"] == "ok"


@pytest.mark.parametrize("name", ["web", "worker"])
def test_prometheus_finds_metrics_at_the_monitored_port(node: Node, name):
    (endpoint,) = manifests.named("ServiceMonitor", name)["spec"]["endpoints"]
    answer = urllib3.request("GET", f"http://127.0.0.1:{node.port(name)}{endpoint['path']}")
    assert b"shop_" in answer.data


@pytest.mark.parametrize("name", SHOP)
def test_container_is_process_1_and_has_no_rights_of_roots(node: Node, name):
    said = status(node, name)
    assert int(said["CapEff"], 16) == int(said["CapPrm"], 16) == 0
    assert node.run(name, "python", "-c", "import os; print(os.getuid())").stdout != "0\n"
    if may_be_first():
        assert said["NSpid"].split()[-1] == "1"
        assert said["NoNewPrivs"] == "1"


@pytest.mark.parametrize("name", [*SHOP, "migrate"])
def test_container_writes_where_a_folder_is_mounted_and_nowhere_else(node: Node, name):
    assert "PermissionError" in node.run(name, "python", "-c", "open('new', 'w')").stderr
    assert node.run(name, "python", "-c", "import tempfile; tempfile.TemporaryFile()").returncode == 0


@pytest.mark.parametrize("name", ["broker", "cache", *SHOP])
def test_command_lines_contain_no_password(node: Node, name):
    secrets = [*manifests.SECRETS["pointshop"].values(), manifests.SECRETS["web-database"]["password"]]
    lines = [command_lines().get(node.first_process(name), ""), *node.service(name).healthcheck]
    assert lines[0]
    assert not any(secret in line for secret in secrets for line in lines)


def connected(node: Node) -> "psycopg.Connection":
    """As web is, but for its own options."""
    url = node.environment(node.service("web"))["DATABASE_URL"].partition("?")[0]
    return psycopg.connect(url)


def test_role_of_web_waits_within_bounds_and_changes_no_table(node: Node):
    with connected(node) as web:
        assert web.execute("SHOW lock_timeout").fetchone() == ("3s",)
        assert web.execute("SHOW statement_timeout").fetchone() == ("15s",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("ALTER TABLE products_product ADD COLUMN colour text")


def test_container_that_starts_again_forgets_what_dead_processes_counted(node: Node):
    left = node.tmpfs(node.service("worker"), "/run/metrics") / "gauge_livesum_1.db"
    left.write_bytes(b"")
    assert node.stop("worker") < node.service("worker").stop_grace_seconds
    node.start("worker")
    until(lambda: not left.exists())
    node.wait_until_healthy("worker")


def test_worker_told_to_stop_finishes_what_it_is_sending(
    node: Node, http: GatewayClient, platform: Recorder, servers: Servers
):
    """The platform holds the post until after the signal."""
    order_id = order_being_sent(http, platform)
    node.stop("worker")
    platform.answers = accept
    assert "worker: Cold shutdown" in node.log("worker").read_text()
    assert delivery_of(servers, order_id) == "delivered|1"


@pytest.mark.parametrize("name", ["beat", "web"])
def test_services_end_within_their_grace(node: Node, name):
    """Process 1 gets no signal that it has no handler for: it would be killed after its grace."""
    assert node.stop(name) < node.service(name).stop_grace_seconds
    assert node.running[name].returncode == 0
