"""An audit that could not ask is never taken for one that found nothing."""

import json
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.version import Version

from tests.dependencies import NOT_ASKED, NOTHING_KNOWN, REQUIREMENTS, WEAK, ask, audited, faults, pins

PINS = {name: str(version) for name, version in pins(*REQUIREMENTS).items()}
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
def test_only_an_answer_about_everything_counts(tmp_path, pypi, osv, code):
    assert exit_code(tmp_path, pypi=pypi, osv=osv) == code


@pytest.mark.parametrize("line", ["django", "django>=5", "django==5.*", "django>=5,==5.2"])
def test_a_loose_pin_is_refused(tmp_path, line):
    (file := tmp_path / "requirements.txt").write_text(line)
    with pytest.raises(ValueError, match=r"pinned|unpack"):
        pins(file)


def test_what_is_installed_otherwise_than_pinned_is_noticed():
    django = distribution("django")
    assert not list(faults({"django": Version(django.version)}, [django]))
    assert list(faults({}, [django])) == [f"django: installed {django.version}, pinned None"]
    assert list(faults({"django": Version("5.3a1")}, [])) == [
        "django: installed None, pinned 5.3a1",
        "django: 5.3a1 is a pre-release",
    ]


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "AGPL-3.0", "Proprietary", ""])
def test_a_licence_we_do_not_know_is_noticed(tmp_path, licence):
    (tmp_path / "METADATA").write_text(f"Metadata-Version: 2.1\nName: x\nVersion: 1\nLicense: {licence}\n")
    (found,) = faults({"x": Version("1")}, [Distribution.at(tmp_path)])
    assert "licence" in found
