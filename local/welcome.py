"""What `make run` prints once the shop is open."""

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from rich.cells import set_cell_size

from core.embedded.language import gettext as _
from core.embedded.programs import FROM_WHEELS, EmbeddedServicesUnavailable
from core.embedded.servers import CHECKOUT

ADMIN = "admin"
EXAMPLE_CHARGE = 20_000  # won
LINE = "─" * 80


@dataclass(frozen=True)
class Prepared:
    """What the database holds to begin with.

    The administrator's password where one was made just now, and the ids of a member and of a product at a
    price of at most EXAMPLE_CHARGE won, to try.
    """

    password: str | None
    user_id: int | None
    product_id: int | None


@dataclass(frozen=True)
class Welcome:
    """Where everything is, and commands to try; `events` is None unless they land on this machine."""

    prepared: Prepared
    url: str
    database: str
    log: Path
    events: Path | None
    needs_gateway_secret: bool

    def __str__(self) -> str:
        places = "\n".join(f"  {set_cell_size(name, 14)}{what}" for name, what in self._places())
        example = "\n\n".join(f"  {command}" for command in self._example())
        nothing = _("Nobody is registered or nothing is for sale yet: the admin or INSERTs change that.")
        opened, invitation = _("pointshop is open"), _("Try it in another terminal:")
        ending = _("Now open %s (Ctrl-C here closes everything)") % f"{self.url}/admin/"
        tried = f"  {invitation}\n\n{example}" if example else f"  {nothing}"
        return f"\n{LINE}\n  {opened}\n\n{places}\n\n{tried}\n\n  {ending}\n{LINE}\n"

    def _places(self) -> list[tuple[str, str]]:
        signing_in = _(
            "sign in as %(name)s with the password %(password)s (shown only now; another: make password)"
        )
        another = _("sign in as %(name)s (for a new password: make password)")
        password = self.prepared.password
        log = _("%s has every request and event; only warnings and restarts are shown here")
        return [
            (_("Shop"), f"{self.url}/"),
            (_("API docs"), f"{self.url}/api/docs"),
            (_("Admin"), f"{self.url}/admin/"),
            ("", (signing_in if password else another) % {"name": ADMIN, "password": password}),
            (_("Database"), f"{_psql()} {quote(self.database)}"),
            *([(_("Events"), _short(self.events))] if self.events else []),
            (_("Log"), log % _short(self.log)),
        ]

    def _example(self) -> list[str]:
        if self.prepared.user_id is None or self.prepared.product_id is None:
            return []
        charge = self._curl("points/charges", {"amount": EXAMPLE_CHARGE})
        order = self._curl("orders", {"items": [{"product_id": self.prepared.product_id, "quantity": 1}]})
        return [charge, order, *([f"tail -n 1 {quote(_short(self.events))}"] if self.events else [])]

    def _curl(self, path: str, data: object) -> str:
        headers = f"-H 'X-User-Id: {self.prepared.user_id}' -H 'Content-Type: application/json'"
        if self.needs_gateway_secret:
            headers += ' -H "X-Gateway-Secret: $GATEWAY_SECRET"'
        return f"curl -i {self.url}/api/v1/{path} {headers} -d {quote(json.dumps(data))}"


def _psql() -> str:
    """The psql on PATH, or the one that came with the embedded PostgreSQL."""
    if not shutil.which("psql"):
        with suppress(EmbeddedServicesUnavailable):
            return quote(_short(FROM_WHEELS.postgres("psql")))
    return "psql"


def _short(path: Path) -> str:
    """As seen from the checkout, where it lies in there."""
    return str(path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path)
