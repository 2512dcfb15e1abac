"""docs/guarantees.md names tests and rules of the audit that exist, and its Korean twin the same ones."""

import re
from pathlib import Path

import pytest

from core.db.audit import stated_rules
from tests.kit.invariants import RULES
from tests.kit.processes import ROOT

RULE = re.compile(r"(?m)^\| `(\w+)` \|")
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
ENGLISH, KOREAN = ROOT / "docs" / "guarantees.md", ROOT / "docs" / "ko" / "guarantees.md"


def test_guarantees_name_the_same_tests_in_both_languages():
    assert NAMED.findall(ENGLISH.read_text()) == NAMED.findall(KOREAN.read_text())


@pytest.mark.parametrize(("file", "test"), sorted(set(NAMED.findall(ENGLISH.read_text()))))
def test_named_test_exists(file: str, test: str):
    assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_guarantees_all_have_a_proof_and_a_control():
    table = ENGLISH.read_text().partition("## ")[0]
    promises = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(promises) >= 20
    assert all(len(NAMED.findall(promise)) == 2 for promise in promises)


@pytest.mark.parametrize("page", [ENGLISH, KOREAN], ids=["English", "Korean"])
def test_every_rule_of_the_audit_is_explained_under_its_name(page: Path):
    stated = [rule.name for rule in stated_rules(events=Path("any"))]
    assert sorted(RULE.findall(page.read_text())) == sorted(stated)


def test_recount_by_sql_uses_the_audit_s_rule_names():
    own = {"balance_after_equals_ledger_so_far"}
    assert {rule.name for rule in stated_rules(events=None)} >= RULES.keys() - own
