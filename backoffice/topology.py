"""On how many servers the database is, on the admin's first page."""

from typing import Any

from django.utils.translation import gettext as _

from backoffice.formatting import badge
from core.db import topology
from core.db.topology import Topology


def show() -> dict[str, Any]:
    """The state in a word, how many servers stand by and how far the last of them is behind."""
    found = topology.read()
    return {"found": found, "state": _state(found)}


def _state(found: Topology) -> str:
    colours = {"waiting": "danger", "asynchronous": "warning", "unknown": "warning", "single": "info"}
    texts = {
        "standby": _("Reads only: this is a standby"),
        "single": _("One server, no standby"),
        "asynchronous": _("Replicated asynchronously"),
        "unknown": _("Whether standbys confirm is not known"),
        "waiting": _("Writes wait for a standby"),
        "synchronous": _("Every write is on two servers"),
    }
    if found.is_standby:
        state = "standby"
    elif not found.asks_for_standby:
        state = "asynchronous" if found.standbys else "single"
    elif found.synchronous_commit in {"off", "local"}:
        state = "asynchronous"
    elif not found.sees_all:
        state = "unknown"
    else:
        state = "synchronous" if found.sync_standbys else "waiting"
    return badge(state, texts[state], {**colours, "standby": "danger", "synchronous": "success"})
