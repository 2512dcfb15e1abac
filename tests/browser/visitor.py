"""Somebody in front of a browser: opens pages, takes pictures, and keeps what the pages complain of."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Locator, Page, Request, Response

from tests.kit.operator import Operator
from tests.kit.processes import ROOT

PICTURES = Path(os.environ.get("SCREENSHOTS") or ROOT / ".local" / "screenshots")
SECONDS = 15


class Visitor:
    """One tab of one browser."""

    def __init__(self, url: str, page: Page) -> None:
        self.url, self.page = url, page
        self.complaints: list[str] = []
        # Clicks and fields: what a job has cost so far.
        self.actions = 0
        page.set_default_timeout(SECONDS * 1000)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("requestfailed", self._miss)
        page.on("response", self._look_at)

    @classmethod
    @contextmanager
    def at(cls, url: str, browser: Browser, *, timezone: str = "Asia/Seoul") -> "Iterator[Visitor]":
        """A visitor of the shop whose cookies and settings are new."""
        context = browser.new_context(
            base_url=url, locale="ko-KR", timezone_id=timezone, viewport={"width": 1280, "height": 800}
        )
        try:
            yield cls(url, context.new_page())
        finally:
            context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text}")

    def _miss(self, request: Request) -> None:
        # Aborted is what the page that was left still waited for.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"{request.failure}: {request.url}")

    def _look_at(self, response: Response) -> None:
        if response.status >= 400 or not response.url.startswith(self.url):
            self.complaints.append(f"{response.status}: {response.url}")

    def with_session_of(self, operator: Operator) -> "Visitor":
        """Signed in as the operator is."""
        self.page.context.add_cookies(
            [{"name": each.key, "value": each.value, "url": self.url} for each in operator.cookies.values()]
        )
        return self

    def speak(self, language: str) -> "Visitor":
        """Have chosen a language."""
        self.page.context.add_cookies([{"name": "django_language", "value": language, "url": self.url}])
        return self

    def open(self, path: str) -> Page:
        """A page of the admin, once its scripts have run."""
        self.page.goto(f"/admin/{path}")
        self.page.wait_for_selector("html:not([x-cloak])")
        return self.page

    def click(self, target: Locator) -> None:
        """Click, and count it."""
        self.actions += 1
        target.click()

    def fill(self, field: Locator, text: str) -> None:
        """Write into a field, and count it."""
        self.actions += 1
        field.fill(text)

    def press(self, key: str) -> None:
        """Press a key in place of a click, and count it."""
        self.actions += 1
        self.page.keyboard.press(key)

    def choose(self, field: Locator, file: dict[str, Any]) -> None:
        """Choose a file, and count it."""
        self.actions += 1
        field.set_input_files([FilePayload(**file)])

    def picture(self, name: str) -> Path:
        """Keep what the whole page looks like."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        file = PICTURES / f"{name}.png"
        self.page.screenshot(path=file, full_page=True, animations="disabled")
        return file

    def overflow(self) -> int:
        """By how many pixels the page is wider than the screen."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )
