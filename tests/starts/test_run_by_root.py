"""Root opens a shop in somebody's checkout; its owner may open it the next time."""

import os
from pathlib import Path

import pytest

from tests.kit.processes import until
from tests.starts.launched import running

OWNER = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for another account")
def test_what_root_s_shop_writes_belongs_to_the_owner_of_the_checkout(checkout: Path) -> None:
    os.chown(checkout, OWNER, OWNER)
    with running(checkout) as run:
        events = checkout / ".local" / "events.jsonl"
        until(lambda: events.exists() and [*checkout.glob(".local/run-*/metrics/*.db")])
        run.process.terminate()
        run.process.wait(60)

    written = [path for path in (checkout / ".local").rglob("*") if path.parent.name != "postgres"]
    assert {"events.jsonl", "lock", "metrics", "secret_key", "shop.log"} <= {path.name for path in written}
    foreign = [path for path in written if "postgres" not in path.parts and path.lstat().st_uid != OWNER]
    assert foreign == []
