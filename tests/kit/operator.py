"""An operator in the admin over real HTTP: signs in, opens pages as a browser does, and sends their forms."""

from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.test import Client as Browser
from django.test import override_settings
from urllib3 import encode_multipart_formdata

from tests.kit.client import Answer, Client
from tests.kit.processes import environment

NAME, PASSWORD = "operator", "a password that nobody guesses"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Fields(HTMLParser):
    """What a browser would send of all the forms of a page, unchanged."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._select = self._area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "input" and name and given.get("type") not in {"submit", "checkbox", "radio", "file"}:
            self.found[name] = value
        elif tag == "input" and name and given.get("type") in {"checkbox", "radio"} and "checked" in given:
            self.found[name] = value or "on"
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.found[self._select] = value
        elif tag == "textarea":
            self._area, self.found[name] = name, ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""


@dataclass(frozen=True)
class Tab:
    """A page as it was when it was opened."""

    path: str
    text: str

    def fields(self) -> dict[str, str]:
        """What sending its form unchanged would send."""
        return Fields(self.text).found


class Operator:
    """Somebody of the staff with a session."""

    def __init__(self, http: Client) -> None:
        self.http = http
        self.cookies: SimpleCookie = SimpleCookie()

    def with_session(self) -> "Operator":
        """As if signed in, which takes a while: a password is hashed slowly."""
        browser = Browser()
        with override_settings(SECRET_KEY=environment()["SECRET_KEY"]):
            browser.force_login(get_user_model().objects.create_superuser(NAME))
        self.cookies.update(browser.cookies)
        return self

    def sign_in(self) -> Answer:
        """Make the account and sign in through the form."""
        get_user_model().objects.create_superuser(NAME, password=PASSWORD)
        return self.send(self.open("/admin/login/"), username=NAME, password=PASSWORD, next="/admin/")

    def open(self, path: str) -> Tab:
        """A page that is there."""
        answer = self._ask("GET", path)
        assert answer.status == 200, (path, answer.status, answer.body[:500])
        return Tab(path, answer.body.decode())

    def send(self, tab: Tab, **changes: Any) -> Answer:
        """Send the tab's form with some fields filled in."""
        return self.post(tab.path, {**tab.fields(), **changes})

    def post(self, path: str, fields: dict[str, Any]) -> Answer:
        """Send fields as they are."""
        return self._ask("POST", path, body=urlencode(fields, doseq=True).encode(), headers=FORM)

    def upload(self, tab: Tab, content: bytes, **changes: Any) -> Answer:
        """Send the tab's form with a file in it."""
        fields = {**tab.fields(), **changes, "import_file": ("file.csv", content)}
        body, kind = encode_multipart_formdata(fields)
        return self._ask("POST", tab.path, body=body, headers={"Content-Type": kind})

    def _ask(self, method: str, path: str, **more: Any) -> Answer:
        cookies = [*self.cookies.values()]  # a copy: other threads' answers may add one meanwhile
        cookie = {"Cookie": "; ".join(f"{each.key}={each.coded_value}" for each in cookies)}
        answer = self.http.send(method, path, **{**more, "headers": {**more.get("headers", {}), **cookie}})
        for line in answer.headers.getlist("Set-Cookie"):  # type: ignore[attr-defined]
            self.cookies.load(line)
        return answer
