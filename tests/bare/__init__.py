"""The least the shop runs with: no Redis, and no setting that it can do without.

`make test-bare` (`pytest -p tests.bare --ds=tests.bare.settings`) runs every test that asks the shared web
server over HTTP, but those that need Redis: by a worker's fixture, or by the mark `redis`.
"""

from typing import Any

import pytest

SERVED = {"web", "http"}
WORKING = {"platform", "recording"}

CHOSEN, LEFT_OUT = pytest.StashKey[int](), pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what speaks HTTP, and of that what needs no Redis."""
    speaking = [item for item in items if SERVED & set(getattr(item, "fixturenames", ()))]
    chosen = [item for item in speaking if not needs_redis(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    config.stash[CHOSEN], config.stash[LEFT_OUT] = len(chosen), len(speaking) - len(chosen)
    items[:] = chosen


def needs_redis(item: pytest.Item) -> bool:
    """Whether a test cannot pass without Redis, or without a worker, which waits for it."""
    return bool(WORKING & set(item.fixturenames)) or item.get_closest_marker("redis") is not None  # type: ignore[attr-defined]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that started this one (`-n 2`) how much was left out."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["bare"] = session.config.stash[CHOSEN], session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear it; every process looks at all the tests, so they all say the same."""
    node.config.stash[CHOSEN], node.config.stash[LEFT_OUT] = node.workeroutput["bare"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how much was left out."""
    chosen, left_out = config.stash.get(CHOSEN, 0), config.stash.get(LEFT_OUT, 0)
    terminalreporter.write_line(
        f"Of {chosen + left_out} tests that speak HTTP to the shop, {left_out} are left out: they need Redis."
    )
