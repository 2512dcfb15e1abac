"""deploy/kubernetes, read as kustomize and a node would read it."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from tests.kit.compose import GIVEN, Service, image
from tests.kit.processes import ROOT

FOLDER = ROOT / "deploy/kubernetes"
Object = dict[str, Any]
# What an operator makes, as docs/kubernetes.md says, and what CloudNativePG does.
SECRETS: Mapping[str, Mapping[str, str]] = {
    "pointshop": {
        **{name: GIVEN[name] for name in ("SECRET_KEY", "GATEWAY_SECRET", "REDIS_PASSWORD")},
        **{name: GIVEN[name] for name in ("DATA_PLATFORM_URL", "DATA_PLATFORM_SECRET")},
    },
    "web-database": {"username": "shop_web", "password": "of4the5role6shop7web"},
    "postgres-app": {
        "uri": f"postgresql://pointshop:{GIVEN['POSTGRES_PASSWORD']}@postgres-rw.pointshop:5432/pointshop"
    },
}
REFERENCE = re.compile(r"\$\$|\$\((\w+)\)")


@cache
def kustomization() -> Object:
    """kustomization.yaml as it stands."""
    read: Object = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    return read


@cache
def objects() -> list[Object]:
    """Every object of the resources, in their order."""
    files = [FOLDER / name for name in kustomization()["resources"]]
    return [each for file in files for each in yaml.safe_load_all(file.read_text())]


def of_kind(*kinds: str) -> list[Object]:
    return [each for each in objects() if each["kind"] in kinds]


def named(kind: str, name: str) -> Object:
    (found,) = (each for each in of_kind(kind) if each["metadata"]["name"] == name)
    return found


def pods() -> dict[str, Object]:
    """The templates of pods, by what makes them."""
    return {each["metadata"]["name"]: each["spec"]["template"] for each in of_kind("Deployment", "Job")}


def containers(pod: Object) -> list[Object]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def settings() -> dict[str, str]:
    """What configMapGenerator takes from settings.env."""
    lines = (FOLDER / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def references(said: object) -> Iterator[tuple[str, str]]:
    """Every name and key of a secret that is referred to."""
    if isinstance(said, dict):
        if ref := said.get("secretKeyRef"):
            yield ref["name"], ref["key"]
        if ref := said.get("passwordSecret"):
            yield from ((ref["name"], key) for key in ("username", "password"))
        for each in said.values():
            yield from references(each)
    elif isinstance(said, list):
        for each in said:
            yield from references(each)


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """A value or an argument as a node expands it: what it knows no name for stays as it is."""

    def fill(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else environment.get(found[1], found[0])

    return REFERENCE.sub(fill, text)


def environment(container: Object, **secrets: Mapping[str, str]) -> dict[str, str]:
    """What a container's processes are given beside what their image has."""
    given = dict(settings()) if container.get("envFrom") else {}
    for each in container.get("env", []):
        if ref := each.get("valueFrom", {}).get("secretKeyRef"):
            given[each["name"]] = secrets[ref["name"]][ref["key"]]
        else:
            given[each["name"]] = expanded(each["value"], given)
    return given


def services(**changed: str) -> dict[str, Service]:
    """Each container as what the compose file would call a service: those of init by `pod/container`.

    `changed` replaces values of the secret `pointshop`.
    """
    secrets = {**SECRETS, "pointshop": {**SECRETS["pointshop"], **changed}}
    found = {"postgres": _postgres()}
    for owner, pod in pods().items():
        for each in containers(pod):
            name = owner if each in pod["spec"]["containers"] else f"{owner}-{each['name']}"
            found[name] = _service(name, pod, each, secrets)
    return found


def _service(name: str, pod: Object, container: Object, secrets: Mapping[str, Mapping[str, str]]) -> Service:
    ours = container["image"] == "pointshop"
    given = {**(image().environment if ours else {}), **environment(container, **secrets)}
    who = pod["spec"]["securityContext"]
    empty = {each["name"] for each in pod["spec"]["volumes"] if "emptyDir" in each}
    return Service(
        name=name,
        environment=given,
        command=[expanded(part, given) for part in container["command"]],
        healthcheck=_probe(container),
        user=f"{who['runAsUser']}:{who['runAsGroup']}",
        tmpfs=[each["mountPath"] for each in container["volumeMounts"] if each["name"] in empty],
        read_only=container["securityContext"]["readOnlyRootFilesystem"],
        stop_grace_seconds=pod["spec"].get("terminationGracePeriodSeconds", 30),
    )


def _probe(container: Object) -> list[str]:
    """Its command; for one by HTTP the method, the path and the port."""
    probe = container.get("livenessProbe")
    if not probe:
        return []
    if asked := probe.get("httpGet"):
        (port,) = (each["containerPort"] for each in container["ports"] if each["name"] == asked["port"])
        return ["GET", asked["path"], str(port)]
    command: list[str] = probe["exec"]["command"]
    return command


def _postgres() -> Service:
    """What CloudNativePG would start of the Cluster, alone and without standbys."""
    parameters = named("Cluster", "postgres")["spec"]["postgresql"]["parameters"]
    options = [part for name, value in parameters.items() for part in ("-c", f"{name}={value}")]
    return Service(
        name="postgres",
        environment={"POSTGRES_USER": "postgres", "POSTGRES_PASSWORD": GIVEN["POSTGRES_PASSWORD"]},
        command=["postgres", *options],
        healthcheck=["pg_isready", "--host=127.0.0.1", "--username=postgres", "--dbname=postgres"],
    )
