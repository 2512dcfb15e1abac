"""The compose file, the image and the settings say the same; `make test-stack` runs what they say."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

import config.settings
from tests.kit import compose
from tests.kit.compose import GIVEN, Service, image, services
from tests.kit.processes import ROOT
from tests.kit.variables import EVERY_NAME, NOT_SETTINGS, PROCESS_READS, PRODUCTION, names_read, start

SHOP = ("migrate", "web", "worker", "beat")
REQUIRED = ("SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL", "REDIS_URL")
# Settings that make no difference inside a container, or belong to development.
NOT_OF_PRODUCTION = {"SEED_DEMO"}
KNOWN = EVERY_NAME | NOT_SETTINGS | PROCESS_READS


def unknown_names(service: Service) -> set[str]:
    return set(service.environment) - KNOWN


def handed_on() -> set[str]:
    """Every setting that the compose file can give to some process of the shop."""
    given = {**dict.fromkeys(EVERY_NAME, "1"), **GIVEN}
    return {name for each in SHOP for name in services(**given)[each].environment}


@pytest.mark.parametrize("name", SHOP)
def test_variables_of_a_service_are_read_by_the_shop(name):
    assert unknown_names(services()[name]) == set()


def test_misspelt_variable_would_be_noticed():
    web = services()["web"]
    misspelt = replace(web, environment={**web.environment, "CACHE_URI": "redis://redis-cache:6379/0"})
    assert unknown_names(misspelt) == {"CACHE_URI"}


def test_settings_can_all_be_set_for_production():
    assert handed_on() >= EVERY_NAME - NOT_OF_PRODUCTION


@pytest.mark.long
def test_settings_start_with_what_the_compose_file_gives_and_not_with_less():
    outside = {"PATH", "PROMETHEUS_MULTIPROC_DIR"}  # that folder is the container's
    web = services()["web"].environment.items()
    given = {name: value for name, value in web if name not in outside}
    assert start(**given).returncode == 0
    assert set(REQUIRED) == set(PRODUCTION) - {"DEBUG"}
    for name in REQUIRED:
        assert f"{name} is required" in start(**{**given, name: ""}).stderr


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_variables_an_operator_must_give_stop_the_start_where_missing(name):
    with pytest.raises(compose.NotGiven, match=name):
        services(**{name: ""})


def test_example_beside_the_compose_file_names_what_must_be_given():
    head = re.match(r"(#.*\n)+", (ROOT / "docker-compose.yml").read_text())[0]
    assert {name for name in GIVEN if name in head} == set(GIVEN)


def test_broker_evicts_nothing_and_cache_persists_nothing():
    options = {name: services()[name].command[-1] for name in ("redis-broker", "redis-cache")}
    assert "--maxmemory-policy noeviction" in options["redis-broker"]
    assert "--appendonly yes" in options["redis-broker"]
    assert "--maxmemory-policy allkeys-lru" in options["redis-cache"]
    assert "--appendonly no" in options["redis-cache"]


@pytest.mark.parametrize("name", SHOP)
def test_broker_and_cache_are_two_servers_that_the_file_has(name):
    given = services()[name].environment
    hosts = {
        key: re.search(rf"//:{GIVEN['REDIS_PASSWORD']}@([a-z-]+):", given[key])[1]
        for key in ("CELERY_BROKER_URL", "CACHE_URL", "REDIS_URL")
    }
    assert hosts == {
        "CELERY_BROKER_URL": "redis-broker",
        "CACHE_URL": "redis-cache",
        "REDIS_URL": "redis-broker",
    }


def test_container_is_stopped_later_than_its_process_stops_itself():
    soft = config.settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT
    graceful = int(
        re.search(r"^graceful_timeout = (\d+)", (ROOT / "config/gunicorn.py").read_text(), re.MULTILINE)[1]
    )
    all_services = services()
    assert all_services["worker"].stop_grace_seconds > soft + 5
    assert all_services["web"].stop_grace_seconds > graceful + 5


@pytest.mark.parametrize("name", SHOP)
def test_shop_runs_without_privileges_and_writes_to_tmpfs_alone(name):
    service = services()[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service.user)
    assert service.read_only
    assert set(service.tmpfs) <= {"/tmp", "/run/metrics"}
    assert service.environment.get("PROMETHEUS_MULTIPROC_DIR", "/tmp") in service.tmpfs


@pytest.mark.parametrize("name", ["web", "worker", "beat", "postgres", "redis-broker", "redis-cache"])
def test_services_that_end_are_started_again(name):
    assert compose.document()["services"][name]["restart"] == "unless-stopped"


def test_services_that_go_on_running_have_a_health_check():
    assert {name for name, service in services().items() if not service.healthcheck} == {"migrate"}


def test_profiles_load_and_observability_start_only_when_asked_for():
    profiles = {name: service.profiles for name, service in services().items() if service.profiles}
    assert profiles == {"prometheus": ["observability"], "load": ["load"]}


def test_volumes_are_declared_and_used():
    used = {
        volume.partition(":")[0]
        for service in compose.document()["services"].values()
        for volume in service.get("volumes", [])
        if not volume.startswith(".")
    }
    assert used == set(compose.document()["volumes"])


def test_names_read_by_gunicorn_are_among_the_settings():
    assert names_read(ROOT / "config/gunicorn.py") <= KNOWN


def said(name: str) -> Mapping[str, Any]:
    return compose.document()["services"][name]


def reachable(name: str) -> set[str]:
    """The services that share a network with one."""
    networks = set(said(name)["networks"])
    return {each for each in services() if each != name and networks & set(said(each)["networks"])}


def test_web_processes_share_arenas_of_memory_in_the_image_and_in_make_run():
    assert image().environment["MALLOC_ARENA_MAX"] == "2"
    assert "env MALLOC_ARENA_MAX=2 " in (ROOT / "local/supervisord.conf").read_text()


def test_networks_connect_only_services_that_need_each_other():
    assert reachable("postgres") == {"migrate", "web", "worker"}
    assert reachable("redis-broker") == {"web", "worker", "beat"}
    assert reachable("redis-cache") == {"web"}
    networks = compose.document()["networks"]
    inner = {name for name, options in networks.items() if (options or {}).get("internal")}
    assert inner == set(networks) - {"outside"} == {"database", "broker", "cache"}


def test_ports_are_published_by_the_web_server_alone_and_to_this_host():
    published = {name: said(name)["ports"] for name in services() if "ports" in said(name)}
    assert {name for name in published if not services()[name].profiles} == {"web"}
    assert set(published) == {"web", "prometheus"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


@pytest.mark.parametrize("name", sorted(services()))
def test_containers_are_bounded_and_have_no_rights_of_root(name):
    service = said(name)
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert re.fullmatch(r"(\d+|\$\{\w+:-\d+)[mg]\}?", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 1024
    assert service["ulimits"]["core"] == 0
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True


@pytest.mark.parametrize("name", ["redis-broker", "redis-cache"])
def test_redis_may_take_less_memory_than_its_container_has(name):
    bound = int(re.search(r"--maxmemory (\d+)mb", services()[name].command[-1])[1])
    assert int(said(name)["mem_limit"].removesuffix("m")) >= 1.5 * bound


@pytest.mark.parametrize("name", ["redis-broker", "redis-cache"])
def test_redis_takes_its_password_from_its_environment(name):
    service = services()[name]
    assert service.environment == {"REDISCLI_AUTH": GIVEN["REDIS_PASSWORD"]}
    assert 'requirepass "$REDISCLI_AUTH"' in service.command[-1]
    assert GIVEN["REDIS_PASSWORD"] not in " ".join([*service.command, *service.healthcheck])
