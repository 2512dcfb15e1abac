"""docs/guarantees.md names tests that exist, and its Korean twin the same ones."""

import re

import pytest

from tests.kit.processes import ROOT

NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
ENGLISH, KOREAN = ROOT / "docs" / "guarantees.md", ROOT / "docs" / "ko" / "guarantees.md"


def test_guarantees_name_the_same_tests_in_both_languages():
    assert NAMED.findall(ENGLISH.read_text()) == NAMED.findall(KOREAN.read_text())


@pytest.mark.parametrize(("file", "test"), sorted(set(NAMED.findall(ENGLISH.read_text()))))
def test_named_test_exists(file: str, test: str):
    assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_guarantees_all_have_a_proof_and_a_control():
    promises = [line for line in ENGLISH.read_text().splitlines() if line.startswith("| ")][1:]
    assert len(promises) >= 20
    assert all(len(NAMED.findall(promise)) == 2 for promise in promises)
