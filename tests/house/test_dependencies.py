"""Locks are what the lists say, and an audit that could not ask is never taken for one that found nothing."""

import json
import re
import shutil
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.version import Version

from tests.kit.dependencies import (
    AUDITED,
    LOCKS,
    NOT_ASKED,
    NOT_IN_IMAGE,
    NOTHING_KNOWN,
    ROOT,
    WEAK,
    ask,
    audited,
    disagreements,
    faults,
    pins,
)

PINS = {name: str(version) for name, version in pins(*AUDITED).items()}
WEAKNESS = {"id": "X-1", "fix_versions": ["9"]}


def answer(*, skip: str = "", weak: str = "", leave_out: str = "") -> str:
    """What pip-audit prints."""
    about = {name: {"name": name, "version": version, "vulns": []} for name, version in PINS.items()}
    about |= {name: {"name": name, "skip_reason": "not found"} for name in filter(None, [skip])}
    about |= {name: {"name": name, "version": "1", "vulns": [WEAKNESS]} for name in filter(None, [weak])}
    return json.dumps({"dependencies": [each for name, each in about.items() if name != leave_out]})


def exit_code(folder: Path, **printed: str) -> int:
    """Of an audit where each service has this printed."""
    for service, text in printed.items():
        (folder / service).write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
        (folder / service).chmod(0o755)
    return audited({service: ask(service, program=folder / service) for service in printed})[0]


@pytest.mark.parametrize(
    ("pypi", "osv", "code"),
    [
        (answer(), answer(), NOTHING_KNOWN),
        (answer(skip="django"), answer(), NOTHING_KNOWN),
        (answer(), "", NOTHING_KNOWN),
        (answer(skip="django"), "", NOT_ASKED),
        (answer(leave_out="django"), "Traceback", NOT_ASKED),
        ("", "", NOT_ASKED),
        (answer(weak="django"), "", WEAK),
        (answer(), answer(weak="django"), WEAK),
    ],
    ids=["both", "second", "first", "a gap", "half", "nobody", "a weakness", "the second knows more"],
)
def test_audit_of_pins_counts_only_where_every_pin_was_answered(tmp_path, pypi, osv, code):
    assert exit_code(tmp_path, pypi=pypi, osv=osv) == code


@pytest.mark.parametrize("line", ["django", "django>=5", "django==5.*", "django>=5,==5.2"])
def test_loose_pin_is_refused(tmp_path, line):
    (file := tmp_path / "requirements.txt").write_text(line)
    with pytest.raises(ValueError, match=r"pinned|unpack"):
        pins(file)


def test_installed_version_other_than_the_pinned_is_noticed():
    django = distribution("django")
    assert not list(faults({"django": Version(django.version)}, [django]))
    assert list(faults({}, [django])) == [f"django: installed {django.version}, pinned None"]
    assert list(faults({"django": Version("5.3a1")}, [])) == [
        "django: installed None, pinned 5.3a1",
        "django: 5.3a1 is a pre-release",
    ]


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "AGPL-3.0", "Proprietary", ""])
def test_licence_that_is_not_known_is_noticed(tmp_path, licence):
    (tmp_path / "METADATA").write_text(f"Metadata-Version: 2.1\nName: x\nVersion: 1\nLicense: {licence}\n")
    (found,) = faults({"x": Version("1")}, [Distribution.at(tmp_path)])
    assert "licence" in found


@pytest.fixture
def lists(tmp_path) -> Path:
    """A copy of the lists and locks, to change."""
    (tmp_path / "locks").mkdir()
    for name in {NOT_IN_IMAGE, *LOCKS, *(each for lists in LOCKS.values() for each in lists)}:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_locks_are_made_of_the_lists(lists):
    assert list(disagreements(lists)) == []


@pytest.mark.parametrize(
    ("file", "pattern", "instead"),
    [
        ("requirements.txt", r"django==5\.\S+", "django==5.0"),
        ("requirements.txt", r"\Z", "one-more==1.0\n"),
        ("requirements.txt", r"whitenoise.*\n", ""),
        ("requirements-dev.txt", r"ruff==\S+", "ruff==0.1"),
        ("requirements-tools.txt", r"uv==\S+", "uv==0.1"),
        (NOT_IN_IMAGE, r"\Z", "whitenoise\n"),
        (NOT_IN_IMAGE, r"supervisor.*\n", ""),
        ("locks/image.txt", r"\Z", "pytest==9.2.0 \\\n    --hash=sha256:ab\n    # via pytest-django\n"),
        ("locks/run.txt", r"kombu==\S+", "kombu==5.6.0"),
        ("locks/tools.txt", r"urllib3==\S+", "urllib3==2.7.0"),
        ("locks/run.txt", r"(vine==\S+) \\\n( +--hash.*\n)+", r"\1\n"),
        ("locks/run.txt", r"\A", "--index-url https://elsewhere.example/simple\n"),
    ],
)
def test_lock_that_differs_from_its_list_is_noticed(lists, file, pattern, instead):
    changed = re.sub(pattern, instead, (lists / file).read_text(), count=1)
    assert changed != (lists / file).read_text()
    (lists / file).write_text(changed)
    assert list(disagreements(lists))


def test_image_has_neither_tests_nor_embedded_servers():
    image = pins(ROOT / "locks/image.txt").keys()
    assert image >= {"django", "celery", "psycopg-binary", "redis", "gunicorn"}
    assert not image & {"pytest", "faker", "setuptools", *pins_of(NOT_IN_IMAGE)}


def pins_of(file: str) -> list[str]:
    return re.findall(r"(?m)^[a-z][\w-]*", (ROOT / file).read_text())
