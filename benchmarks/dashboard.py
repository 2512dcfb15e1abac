"""python -m benchmarks.dashboard FOLDER: how long the admin's first page takes.

FOLDER is one that `python -m benchmarks.history --server` filled. A staff account is made and deleted again.
"""

import argparse
import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from django.contrib.auth import get_user_model
from django.test import Client

from benchmarks import servers


@contextmanager
def staff() -> Iterator[Client]:
    """A browser with a superuser of its own, who is gone afterwards."""
    account = get_user_model().objects.create_superuser(f"benchmark-{secrets.token_hex(4)}")
    browser = Client(headers={"host": "localhost"})
    browser.force_login(account)
    try:
        yield browser
    finally:
        browser.session.delete()
        account.delete()


def opened(browser: Client) -> float:
    """The milliseconds that the page took."""
    began = time.perf_counter()
    assert browser.get("/admin/").status_code == 200
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Print the first opening, then the median and the slowest of the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="otherwise the database that DATABASE_URL names")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    servers.ask(options.folder)
    logging.disable()
    with staff() as browser:
        first, *others = [opened(browser) for _ in range(options.times + 1)]
    print(
        f"first {first:.0f} ms, then median {median(others):.0f} ms and at most {max(others):.0f} ms", end=""
    )
    print(f" of {len(others)}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
