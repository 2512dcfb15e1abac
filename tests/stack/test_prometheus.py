"""deploy/prometheus: what it asks answers, what alerts look at exists, each alert fires when it should."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
import yaml

from tests.kit.machine import Machine
from tests.kit.plain_sql import GatewayClient
from tests.kit.processes import ROOT, until

FOLDER = ROOT / "deploy/prometheus"
ALERTS = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
METRIC = re.compile(r"\bshop_[a-z_]+")


def promtool(*command: str | Path) -> None:
    done = subprocess.run(["promtool", *command], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_understands_its_configuration():
    promtool("check", "config", FOLDER / "prometheus.yml")
    promtool("check", "rules", FOLDER / "alerts.yml")


def test_alerts_fire_when_they_should_and_not_before():
    promtool("test", "rules", FOLDER / "alerts_test.yml")


def test_alerts_all_have_a_test():
    tested = (FOLDER / "alerts_test.yml").read_text()
    assert [rule["alert"] for rule in ALERTS if f"alertname: {rule['alert']}\n" not in tested] == []


def test_wrong_threshold_would_be_noticed(tmp_path):
    text = (FOLDER / "alerts.yml").read_text()
    (tmp_path / "alerts.yml").write_text(text.replace("overdue_seconds) > 60", "overdue_seconds) > 6000"))
    shutil.copy(FOLDER / "alerts_test.yml", tmp_path)
    with pytest.raises(AssertionError, match="EventsOverdue"):
        promtool("test", "rules", tmp_path / "alerts_test.yml")


@pytest.fixture(scope="module")
def prometheus(stack: Machine, tmp_path_factory) -> Iterator[str]:
    """The service's command, on this machine; names that only the engine's DNS knows become addresses."""
    folder = tmp_path_factory.mktemp("prometheus")
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    said = yaml.safe_load((folder / "prometheus.yml").read_text())
    said["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    for job in said["scrape_configs"]:
        if job.pop("dns_sd_configs", None):
            job["static_configs"] = [{"targets": [f"127.0.0.1:{stack.port('worker')}"]}]
        else:
            # It still calls it by its name.
            job["proxy_url"] = f"http://127.0.0.1:{stack.port('web')}"
    (folder / "prometheus.yml").write_text(yaml.safe_dump(said))
    port = stack.port("prometheus")
    here = {"/etc/prometheus": str(folder), "=/prometheus": f"={folder}/data"}
    command = ["prometheus", f"--web.listen-address=127.0.0.1:{port}", *stack.service("prometheus").command]
    for theirs, ours in here.items():
        command = [part.replace(theirs, ours) for part in command]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        running.terminate()
        running.wait(30)


def ask(url: str):
    try:
        answer = urllib3.request("GET", url, retries=False, timeout=5)
    except urllib3.exceptions.HTTPError:
        return None
    return answer.json()["data"] if answer.status == 200 else None


def value(prometheus: str, query: str) -> float:
    result = (ask(f"{prometheus}/query?query={query}") or {"result": []})["result"]
    return float(result[0]["value"][1]) if result else 0.0


def test_health_check_sees_that_prometheus_is_ready(prometheus: str, stack: Machine):
    until(lambda: stack.is_healthy("prometheus"))


def test_health_check_notices_that_no_prometheus_is_there(stack: Machine):
    assert not Machine(stack.folder, stack.given, ports={"prometheus": 9}).is_healthy("prometheus")


def test_prometheus_reaches_web_and_worker(prometheus: str):
    def health():
        found = ask(f"{prometheus}/targets") or {"activeTargets": []}
        return {each["labels"]["job"]: each["health"] for each in found["activeTargets"]}

    until(lambda: health() == {"web": "up", "worker": "up"})


def test_order_and_its_delivery_are_counted_whichever_process_they_met(prometheus: str, http: GatewayClient):
    delivered = 'sum(shop_delivery_attempts_total{outcome="delivered"})'
    until(lambda: value(prometheus, "sum(up)") == 2)
    before = {query: value(prometheus, query) for query in ("sum(shop_orders_total)", delivered)}
    http.charge(9, 100_000)
    for _ in range(12):
        assert http.order(9, {1: 1}).status == 201
    for query, count in before.items():
        until(lambda query=query, count=count: value(prometheus, query) == count + 12)


def test_metrics_that_alerts_look_at_are_there(prometheus: str, http: GatewayClient):
    assert http.get("products/999999").status == 404
    wanted = {name for rule in ALERTS for name in METRIC.findall(rule["expr"])}
    # They come with the first failure, with the first rebuild, with a standby, or with an archive.
    later = {
        "shop_redis_fallbacks_total",
        "shop_ranking_window_age_seconds",
        "shop_database_replication_lag_seconds",
        "shop_database_sync_standbys",
        "shop_database_archiving_fails",
        "shop_replica_passed_over_total",
    }
    until(lambda: wanted - later <= set(ask(f"{prometheus}/label/__name__/values") or []))


def test_worker_of_a_stack_that_is_well_raises_no_alert(prometheus: str):
    until(lambda: value(prometheus, "sum(shop_database_up)") == 1)
    firing = [each for each in (ask(f"{prometheus}/alerts") or {})["alerts"] if each["state"] == "firing"]
    assert firing == [], json.dumps(firing)
