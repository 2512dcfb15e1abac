"""The processors that processes are counted by: a container's limit, not the host's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import processors
from tests.kit.processes import ROOT
from tests.kit.variables import PRODUCTION

MANY = 64
V2 = "0::/\n"
# A hybrid of both versions, as older distributions mount it; the path is the host's.
V1 = "4:memory:/docker/1f\n3:cpuset:/\n2:cpu,cpuacct:/docker/1f\n0::/\n"
UNBOUNDED_V2, UNBOUNDED_V1 = {"cpu.max": "max 100000\n"}, {"cpu/cpu.cfs_quota_us": "-1\n"}
BOUNDED_V1 = {"cpu/cpu.cfs_quota_us": "250000\n", "cpu/cpu.cfs_period_us": "100000\n"}


@pytest.fixture(autouse=True)
def host_of_many(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(MANY)), raising=False)


def counted(folder: Path, membership: str, files: dict[str, str]) -> int:
    (folder / "cgroup").write_text(membership)
    for name, text in files.items():
        (folder / "sys" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "sys" / name).write_text(text)
    return processors.usable_processors(mounted=folder / "sys", membership=folder / "cgroup")


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        pytest.param(V2, {"cpu.max": "200000 100000\n"}, 2, id="two of version 2"),
        pytest.param(V2, {"cpu.max": "150000 100000\n"}, 2, id="one and a half is rounded up"),
        pytest.param(V2, {"cpu.max": "5000 100000\n"}, 1, id="a twentieth is one"),
        pytest.param(V2, {"cpu.max": "9900000 100000\n"}, MANY, id="more than there are"),
        pytest.param(V2, UNBOUNDED_V2, MANY, id="no limit of version 2"),
        pytest.param(V1, BOUNDED_V1, 3, id="version 1"),
        pytest.param(
            V1, {**UNBOUNDED_V1, "cpu/cpu.cfs_period_us": "100000\n"}, MANY, id="no limit of version 1"
        ),
        pytest.param(V1, {}, MANY, id="nothing mounted"),
        pytest.param("", {}, MANY, id="no Linux"),
        pytest.param(
            "0::/shop.slice/web.service\n",
            {"shop.slice/cpu.max": "100000 100000\n", "shop.slice/web.service/cpu.max": "400000 100000\n"},
            1,
            id="the least of a unit's and its slice's",
        ),
    ],
)
def test_processors_are_those_of_the_quota(tmp_path, membership, files, expected):
    assert counted(tmp_path, membership, files) == expected


def test_processors_are_those_that_the_process_may_run_on_where_these_are_fewer(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 7}, raising=False)
    assert counted(tmp_path, V2, {"cpu.max": "800000 100000\n"}) == 3


def test_settings_count_web_processes_by_processors_unless_told_a_number():
    show = "from django.conf import settings as s; print(s.WEB_CONCURRENCY, s.CELERY_WORKER_CONCURRENCY)"
    count = "from config.processors import usable_processors; print(usable_processors())"
    env = {"PATH": os.defpath, "DJANGO_SETTINGS_MODULE": "config.settings", **PRODUCTION}

    def said(program: str, **more: str) -> str:
        return subprocess.check_output(
            [sys.executable, "-c", program], cwd=ROOT, env={**env, **more}, text=True
        )

    usable = said(count).strip()
    assert said(show).split() == [usable, usable]
    assert said(show, WEB_CONCURRENCY="7").split() == ["7", usable]
