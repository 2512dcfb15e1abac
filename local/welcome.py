"""The text that `make run` prints once the shop is open."""

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
    """The database's content at the start.

    The administrator's password where one was made just now, and the ids of a member and of a product at a
    price of at most EXAMPLE_CHARGE won, to try.
    """

    password: str | None
    user_id: int | None
    product_id: int | None


def welcome(
    prepared: Prepared, *, url: str, database: str, log: Path, events: Path | None, needs_gateway_secret: bool
) -> str:
    """`events` is None unless they land on this machine."""
    signing_in = _(
        "sign in as %(name)s with the password %(password)s (shown only now; another: make password)"
    )
    another = _("sign in as %(name)s (for a new password: make password)")
    log_holds = _("%s has every request and event; only warnings and restarts are shown here")
    places = [
        (_("Shop"), f"{url}/"),
        (_("API docs"), f"{url}/api/docs"),
        (_("Admin"), f"{url}/admin/"),
        ("", (signing_in if prepared.password else another) % {"name": ADMIN, "password": prepared.password}),
        (_("Database"), f"{_psql()} {quote(database)}"),
        *([(_("Events"), _short(events))] if events else []),
        (_("Log"), log_holds % _short(log)),
    ]
    lines = [f"  {set_cell_size(name, 14)}{what}" for name, what in places]
    if prepared.user_id and prepared.product_id:
        lines += ["", f"  {_('Try it in another terminal:')}"]
        headers = f"-H 'X-User-Id: {prepared.user_id}' -H 'Content-Type: application/json'"
        if needs_gateway_secret:
            headers += ' -H "X-Gateway-Secret: $GATEWAY_SECRET"'
        order = {"items": [{"product_id": prepared.product_id, "quantity": 1}]}
        for path, body in (("points/charges", {"amount": EXAMPLE_CHARGE}), ("orders", order)):
            lines += ["", f"  curl -i {url}/api/v1/{path} {headers} -d {quote(json.dumps(body))}"]
        lines += ["", f"  tail -n 1 {quote(_short(events))}"] if events else []
    else:
        nothing = _("No members or products yet. Add them in the admin, or run `manage.py seed_demo`.")
        lines += ["", f"  {nothing}"]
    ending = _("Now open %s (Ctrl-C here closes everything)") % f"{url}/admin/"
    return "\n".join(["", LINE, f"  {_('pointshop is open')}", "", *lines, "", f"  {ending}", LINE, ""])


def _psql() -> str:
    if not shutil.which("psql"):
        with suppress(EmbeddedServicesUnavailable):
            return quote(_short(FROM_WHEELS.postgres("psql")))
    return "psql"


def _short(path: Path) -> str:
    return str(path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path)
