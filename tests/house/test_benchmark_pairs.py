"""benchmarks/paired.py: what is compared, and how."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import paired, revisions
from benchmarks.clients import Measured
from benchmarks.pairs import DELIVERIES, PAIRED, Pair, Turn, parts, table
from benchmarks.processors import spent
from benchmarks.traffic import REQUESTS


def turn(rate: float, *, web: float, postgres: float = 0.0) -> Turn:
    return Turn(rate, {"web": web, "worker": 0.0, "beat": 0.0, "postgres": postgres, "redis": 0.0})


def measured(outcomes: dict[str, int], **cpu: float) -> Measured:
    groups = dict.fromkeys(("web", "worker", "beat", "postgres", "redis"), 0.0)
    return Measured(seconds=2, outcomes=outcomes, taken=[], client_cpu=1, cpu=groups | cpu)


def test_turn_counts_answers_that_the_scenario_expects() -> None:
    made = Turn.of(PAIRED["orders"], measured({"201": 80, "503 busy": 20}, web=0.4, postgres=0.4))
    assert made.rate == 40
    assert made.cost == pytest.approx(0.01)


def test_turn_of_deliveries_counts_the_worker_alone() -> None:
    assert Turn.of(DELIVERIES, measured({"201": 10}, web=5, worker=0.1)).cost == pytest.approx(0.01)


def test_unexpected_answers_are_neither_done_nor_refused() -> None:
    answers = {"409 coupon_sold_out": 5, "401 unauthenticated": 1, "ConnectionResetError": 2}
    odd = PAIRED["issues-sold-out"].unexpected(answers)
    assert odd == {"401 unauthenticated": 1, "ConnectionResetError": 2}


def test_table_shows_ratios_pair_by_pair_with_median_and_range() -> None:
    pairs = [
        Pair(turn(100, web=0.004), turn(150, web=0.002)),
        Pair(turn(100, web=0.004), turn(200, web=0.001)),
        Pair(turn(200, web=0.004), turn(200, web=0.004)),
    ]
    row = table({"product": pairs}).splitlines()[-1]
    rates, costs = "1.50 2.00 1.00 | **1.50** | 1.00–2.00", "0.50 0.25 1.00 | **0.50** | 0.25–1.00"
    assert row == f"| product | {rates} | 100/s | 200/s | {costs} | 4.00 | 2.00 |"


def test_parts_show_whose_processor_time_it_was() -> None:
    pair = Pair(turn(1, web=0.004, postgres=0.001), turn(1, web=0.002, postgres=0.003))
    row = parts({"product": [pair]}).splitlines()[-1]
    assert row == ("| product | 4.00 → 2.00 | 0.00 → 0.00 | 0.00 → 0.00 | 1.00 → 3.00 | 0.00 → 0.00 |")


def test_unknown_revision_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["paired", "no-such-revision"])
    with pytest.raises(SystemExit, match="git knows no revision no-such-revision"):
        paired.main()


def test_option_as_revision_is_no_option_of_git() -> None:
    with pytest.raises(revisions.UnknownRevision):
        revisions.commit("--all")


def test_tree_with_uncommitted_changes_is_named_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(revisions, "ROOT", tmp_path)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@shop.example")
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    assert revisions.describe() == revisions.commit("HEAD")[:7]
    (tmp_path / "new").touch()
    assert revisions.describe().endswith("with uncommitted changes")


def test_copy_of_this_tree_has_new_files_and_none_ignored_or_deleted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    monkeypatch.setattr(revisions, "ROOT", tree)
    for name in (".env", "deleted", "kept"):
        (tree / name).touch()
    (tree / ".gitignore").write_text(".env\n")
    for command in (["init", "-q"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    (tree / "deleted").unlink()
    (tree / "new").touch()
    revisions.copy_this_tree(tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {".gitignore", "kept", "new"}


def test_processor_time_is_no_less_than_the_process_itself_knows_of() -> None:
    known = time.process_time()
    assert spent(os.getpid()) >= known


def test_order_requests_ask_for_the_caller_s_own() -> None:
    requests = REQUESTS["order"]("shop.example", {"orders": 21_000, "holders": 1_000})
    for _ in range(50):
        line, *headers = next(requests).decode().split("\r\n")
        order, (user,) = (
            int(line.split()[1].rpartition("/")[2]),
            (h for h in headers if h.startswith("X-User")),
        )
        assert (order - 1) % 1_000 + 1 == int(user.partition(": ")[2])
