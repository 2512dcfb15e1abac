"""The panel about the database's servers on the admin's first page."""

from typing import Any

from django.utils.translation import gettext as _

from backoffice.formatting import badge
from core.db import topology
from core.db.topology import Topology


def show() -> dict[str, Any]:
    found = topology.read()
    return {"found": found, "state": _state(found)}


def _state(found: Topology) -> str:
    asynchronous = (_("Replicated asynchronously"), "warning")
    shown = {
        "standby": (_("Reads only: this is a standby"), "danger"),
        "single": (_("One server, no standby"), "info"),
        "asynchronous": asynchronous,
        "local": asynchronous,
        "unknown": (_("Whether standbys confirm is not known"), "warning"),
        "waiting": (_("Writes wait for a standby"), "danger"),
        "synchronous": (_("Every write is on two servers"), "success"),
    }
    text, colour = shown[found.state]
    return badge(found.state, text, {found.state: colour})
