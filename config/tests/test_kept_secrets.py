"""A secret of this machine is made once, and never empty."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest

from config import environment as env


@pytest.fixture
def shop_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(env, "BASE_DIR", tmp_path)
    return tmp_path


def test_file_left_empty_by_a_full_disk_is_filled(shop_folder):
    (shop_folder / ".local").mkdir()
    (shop_folder / ".local" / "key").touch()
    assert env.kept_secret("key", make=lambda: "made") == "made"
    assert env.kept_secret("key", make=lambda: "again") == "made"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for another account")
def test_secret_that_root_makes_belongs_to_the_owner_of_the_checkout(shop_folder):
    os.chown(shop_folder, 65534, 65534)
    env.kept_secret("key", make=lambda: "made")
    made = [shop_folder / ".local", shop_folder / ".local" / "key"]
    assert {(each.stat().st_uid, each.stat().st_gid) for each in made} == {(65534, 65534)}


def test_programs_that_start_together_keep_one_secret(shop_folder):
    numbers, together = count(), Barrier(4)

    def start(name: str) -> str:
        together.wait(10)
        return env.kept_secret(name, make=lambda: f"secret {next(numbers)}")

    with ThreadPoolExecutor(4) as programs:
        kept = [{*programs.map(start, [f"key{turn}"] * 4)} for turn in range(50)]
    assert all(len(each) == 1 for each in kept)
