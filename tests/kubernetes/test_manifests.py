"""deploy/kubernetes says what it means, and what the compose file says; test_running.py runs it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

import config.settings
from tests.kit import compose, manifests
from tests.kit.manifests import FOLDER, Object, containers, named, objects, of_kind, pods
from tests.kit.processes import ROOT
from tests.kit.variables import EVERY_NAME, NOT_SETTINGS, PROCESS_READS, REQUIRED

VALIDATE = Path(sys.prefix) / "tools" / "bin" / "kubernetes-validate"
# The oldest with all that is used (a sleep before the stop), and the newest that the validator knows.
VERSIONS = ("1.30", "1.37")
CUSTOM = {"Cluster", "Pooler", "ServiceMonitor"}
SCHEMAS = Path(__file__).parent / "schemas"
SHOP = ("migrate", "web", "worker", "beat")
PAGES = [(ROOT / "docs/kubernetes.md").read_text(), (ROOT / "docs/ko/kubernetes.md").read_text()]
# Read by the manifests alone, which make URLs of it.
PARTS_OF_URLS = {"REDIS_PASSWORD", "POSTGRES_APP_URI", "WEB_DATABASE_PASSWORD"}
KNOWN = EVERY_NAME | NOT_SETTINGS | PARTS_OF_URLS | PROCESS_READS


def complaints(*files: Path, version: str) -> str:
    command = [VALIDATE, "--strict", "--quiet", "--no-warn", "--kubernetes-version", version, *files]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_each_core_manifest_fits_the_schema_of_kubernetes(tmp_path, version):
    core = tmp_path / "core.yaml"
    core.write_text(yaml.safe_dump_all([each for each in objects() if each["kind"] not in CUSTOM]))
    assert complaints(core, version=version) == ""


def test_misspelt_field_would_be_noticed(tmp_path):
    misspelt = tmp_path / "web.yaml"
    misspelt.write_text(
        (FOLDER / "web.yaml").read_text().replace("readOnlyRootFilesystem", "readOnlyRootFileSystem")
    )
    assert "readOnlyRootFileSystem" in complaints(misspelt, version=VERSIONS[0])


def errors(said: Object) -> list[str]:
    schema = json.loads((SCHEMAS / f"{said['kind'].lower()}.json").read_text())
    return [each.message for each in Draft202012Validator(schema).iter_errors(said)]


@pytest.mark.parametrize(
    "said", of_kind(*CUSTOM), ids=lambda said: f"{said['kind']}-{said['metadata']['name']}"
)
def test_each_custom_resource_fits_the_schema_of_the_fields_used(said):
    assert errors(said) == []


def test_misspelt_field_of_a_custom_resource_would_be_noticed():
    for kind in CUSTOM:
        said = of_kind(kind)[0]
        assert errors({**said, "spec": {**said["spec"], "instancez": 3}}) != []


def test_kustomization_lists_every_file_and_uses_three_fields_alone():
    said = manifests.kustomization()
    assert said.keys() - {"apiVersion", "kind"} == {"resources", "images", "configMapGenerator"}
    files = {path.name for path in FOLDER.iterdir()} - {"kustomization.yaml", "settings.env"}
    assert set(said["resources"]) == files


def test_every_object_is_in_the_namespace_that_allows_restricted_pods_alone():
    (namespace,) = of_kind("Namespace")
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    elsewhere = [each["kind"] for each in objects() if each["metadata"].get("namespace") != "pointshop"]
    assert elsewhere == ["Namespace"]


def test_every_image_has_a_tag_to_change_in_one_place():
    used = {each["image"] for pod in pods().values() for each in containers(pod)}
    assert used == {each["name"] for each in manifests.kustomization()["images"] if each["newTag"]}


@pytest.mark.parametrize("name", sorted(pods()))
def test_every_pod_is_restricted_and_bounded(name):
    pod = pods()[name]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for each in containers(pods()[name]):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert each["resources"]["limits"]["memory"]
        assert {"cpu", "memory"} == each["resources"]["requests"].keys()
    assert all("sizeLimit" in each["emptyDir"] for each in pod["volumes"])


@pytest.mark.parametrize("name", SHOP)
def test_shop_runs_as_the_user_and_in_the_folders_of_the_compose_file(name):
    ours, theirs = manifests.services()[name], compose.services()[name]
    assert (ours.user, set(ours.tmpfs)) == (theirs.user, set(theirs.tmpfs))
    assert set(ours.environment) <= KNOWN
    assert theirs.command == ours.command or " ".join(theirs.command) in ours.command[-1]


def test_every_required_setting_is_given_to_every_container_of_the_shop():
    for name, service in manifests.services().items():
        if service.environment.get("PYTHONUNBUFFERED"):
            assert service.environment.keys() >= REQUIRED, name


@pytest.mark.parametrize("name", ["broker", "cache"])
def test_valkey_has_the_options_of_the_compose_file(name):
    ours, theirs = manifests.services()[name].command, compose.services()[f"redis-{name}"].command
    said = ours[-1].replace("VALKEYCLI_AUTH", "REDISCLI_AUTH").replace("valkey", "redis")
    assert said.strip() == theirs[-1].strip()


@pytest.mark.parametrize("name", ["web", "worker"])
def test_pod_is_killed_later_than_its_processes_end_by_themselves(name):
    (container,) = pods()[name]["spec"]["containers"]
    before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    web = re.search(r"(?m)^graceful_timeout = (\d+)", (ROOT / "config/gunicorn.py").read_text())[1]
    own = {"web": int(web), "worker": config.settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT}[name]
    assert pods()[name]["spec"]["terminationGracePeriodSeconds"] > before + own + 5


def test_web_stays_in_the_balance_while_the_database_is_away():
    """It says 503 itself, with Retry-After."""
    (web,) = pods()["web"]["spec"]["containers"]
    probes = [web[f"{each}Probe"]["httpGet"]["path"] for each in ("startup", "readiness", "liveness")]
    assert set(probes) == {"/livez"}


def test_cluster_acknowledges_a_write_on_two_machines_only():
    said = named("Cluster", "postgres")["spec"]
    assert said["instances"] == 3
    assert said["postgresql"]["synchronous"] == {"method": "any", "number": 1, "dataDurability": "required"}
    assert said["affinity"]["podAntiAffinityType"] == "required"


def test_pooler_has_the_values_of_the_example_of_pgbouncer():
    example = (ROOT / "deploy/pgbouncer/pgbouncer.ini").read_text()
    said = named("Pooler", "pooler")["spec"]["pgbouncer"]
    for name, value in {**said["parameters"], "pool_mode": said["poolMode"]}.items():
        assert f"\n{name} = {value}\n" in example


def test_role_of_web_is_made_as_the_page_on_pgbouncer_says():
    page = (ROOT / "docs/operations.md").read_text()
    (block,) = re.findall(r"```sql\n(CREATE ROLE shop_web .*?)```", page, re.DOTALL)
    made = [line for line in block.replace(" PASSWORD '…'", "").split(";\n") if " ON ALL " not in line]
    ours = named("Cluster", "postgres")["spec"]["bootstrap"]["initdb"]["postInitApplicationSQL"]
    here = [
        each.replace(" FOR ROLE pointshop", "").replace("TO pointshop", "TO CURRENT_USER") for each in ours
    ]
    assert here == [line for line in made if line]


def test_secrets_are_referred_to_and_each_is_on_the_page():
    assert of_kind("Secret") == []
    used = {ref for each in objects() for ref in manifests.references(each)}
    assert used <= {(name, key) for name, keys in manifests.SECRETS.items() for key in keys}
    for page in PAGES:
        listed = {(name, key) for name, key in re.findall(r"(?m)^\| `([\w-]+)` \| `(\w+)` \|", page)}
        assert listed == used


def test_settings_in_the_manifests_hold_no_secret():
    assert not re.search("SECRET|PASSWORD|_URL", " ".join(manifests.settings()))
    assert manifests.settings().keys() <= EVERY_NAME


def labels_of(name: str) -> dict[str, str]:
    operator_s = {"postgres": {"cnpg.io/cluster": "postgres"}, "pooler": {"cnpg.io/poolerName": "pooler"}}
    return operator_s.get(name) or pods()[name]["metadata"]["labels"]


EVERYBODY = ("web", "worker", "beat", "migrate", "broker", "cache", "postgres", "pooler")


def chosen(selector: Object) -> set[str]:
    wanted = selector.get("matchLabels", {}).items()
    return {name for name in EVERYBODY if wanted <= labels_of(name).items()}


def let(way: str, name: str) -> set[str]:
    """Whom the policies let in to a pod, or whom out of it; a namespace by its name."""
    found = set()
    for policy in of_kind("NetworkPolicy"):
        if name in chosen(policy["spec"]["podSelector"]):
            for rule in policy["spec"].get(way, []):
                for peer in rule.get("from", rule.get("to", [{}])):
                    found |= peers(peer)
    return found


def peers(peer: Object) -> set[str]:
    if "namespaceSelector" in peer:
        return {*peer["namespaceSelector"].get("matchLabels", {"": "DNS"}).values()}
    return chosen(peer["podSelector"]) if peer else {"anywhere"}


def test_servers_are_reached_by_who_needs_them_as_in_the_compose_file():
    operator = {"cnpg-system", "monitoring"}
    assert let("ingress", "postgres") - operator == {"postgres", "pooler", "migrate", "web", "worker"}
    assert let("ingress", "pooler") - operator == {"web"}
    assert let("ingress", "broker") == {"web", "worker", "beat"}
    assert let("ingress", "cache") == {"web"}
    assert let("ingress", "web") == {"gateway", "monitoring"}
    assert let("ingress", "worker") == {"monitoring"}
    assert let("ingress", "beat") == let("ingress", "migrate") == set()


def test_policies_for_egress_have_matching_ingress():
    out = {name: let("egress", name) - {"DNS"} for name in EVERYBODY}
    assert out["broker"] == out["cache"] == set()
    assert out["worker"] == {"postgres", "broker", "anywhere"}
    assert "anywhere" not in out["web"] | out["beat"] | out["migrate"]
    for name in SHOP:
        assert all(name in let("ingress", other) for other in out[name] - {"anywhere"})


def closed(way: str) -> set[str]:
    return {
        name
        for policy in of_kind("NetworkPolicy")
        if way in policy["spec"]["policyTypes"]
        for name in chosen(policy["spec"]["podSelector"])
    }


def test_policies_allow_only_the_named_connections():
    assert {} in [each["spec"]["podSelector"] for each in of_kind("NetworkPolicy")]  # pods to come, too
    assert closed("Ingress") == set(EVERYBODY)
    assert closed("Egress") == {*SHOP, "broker", "cache"}


def test_everything_that_is_selected_is_there():
    for each in of_kind("Service"):
        (name,) = chosen({"matchLabels": each["spec"]["selector"]})
        ports = {
            port["name"] for container in containers(pods()[name]) for port in container.get("ports", [])
        }
        assert {port["targetPort"] for port in each["spec"]["ports"]} <= ports
    for each in of_kind("PodDisruptionBudget"):
        assert chosen(each["spec"]["selector"]) == {each["metadata"]["name"]}
    for each in of_kind("HorizontalPodAutoscaler"):
        assert named(each["spec"]["scaleTargetRef"]["kind"], each["spec"]["scaleTargetRef"]["name"])


def test_prometheus_asks_services_that_are_there_under_the_jobs_of_the_alerts():
    alerts = (ROOT / "deploy/prometheus/alerts.yml").read_text()
    jobs = set(re.findall(r'up\{job="(\w+)"\}', alerts))
    assert {each["metadata"]["name"] for each in of_kind("ServiceMonitor")} == jobs
    for each in of_kind("ServiceMonitor"):
        service: dict[str, Any] = named("Service", each["metadata"]["name"])
        assert each["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        ports = {port["name"] for port in service["spec"]["ports"]}
        assert {endpoint["port"] for endpoint in each["spec"]["endpoints"]} <= ports
