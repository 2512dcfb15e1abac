"""The admin in a real browser, as staff see it: Debian's Chromium in front of the shop's own web server.

`pytest` leaves this folder out; `make test-browser` runs it. Whatever a page writes to the console as an
error, and whatever it asks for in vain, fails the test. Pictures go to the folder that SCREENSHOTS names.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visitor import PICTURES, Visitor
from tests.kit.client import Client
from tests.kit.operator import Operator


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    program = shutil.which("chromium")
    assert program, "chromium is not on the PATH; `make test-browser` says how to install it"
    # Playwright keeps an event loop in this thread, in which Django would refuse to ask the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        # As root, which CI is, Chromium has no sandbox.
        options = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser, http: Client) -> Iterator[Visitor]:
    """Somebody at a desk who reads Korean and has not signed in; no page of theirs may complain."""
    with Visitor.at(http.url, chromium) as somebody:
        yield somebody
        assert somebody.complaints == []


@pytest.fixture
def staff(visitor: Visitor, http: Client) -> Visitor:
    """The same, signed in as a superuser."""
    return visitor.with_session_of(Operator(http).with_session())


@pytest.fixture
def phone(staff: Visitor) -> Visitor:
    """The same on a screen of 390 × 844."""
    staff.page.set_viewport_size({"width": 390, "height": 844})
    return staff


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the pictures are."""
    terminalreporter.write_line(f"What the pages looked like: {PICTURES}")
