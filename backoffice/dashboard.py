"""The admin's first page: how the shop is doing now, or what to do first in an empty one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management import get_commands
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from backoffice import topology
from core.conventions import modules_named
from core.db.replica import read_from_replica

# The command that makes demo data; the image has none.
DEMO = "seed_demo"

# A text and where it leads.
Link = tuple[str | Promise, str]


@dataclass(frozen=True)
class Panel:
    """A part of the page, for staff with a permission; `show` reads what its template needs.

    Its reads may be old (`read_from_replica`) unless it is `live`. A panel without `rows` is hidden until the
    shop has its first orders.
    """

    name: str
    position: int
    permission: str
    template: str
    show: Callable[[], dict[str, Any]]
    live: bool = False

    def read(self) -> dict[str, Any]:
        return self.show() if self.live else read_from_replica(self.show)


@dataclass(frozen=True)
class Step:
    """A step in a new shop: whether it is done, and links for this staff account."""

    position: int
    text: str | Promise
    is_done: Callable[[], bool]
    links: Callable[[HttpRequest], list[Link]]


def dashboard_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What this account may see of `PANELS` and `STEPS`, found by convention in each app's `dashboard.py`."""
    shown = {
        panel.name: {**panel.read(), "template": panel.template}
        for panel in _offered("PANELS")
        if request.user.has_perm(panel.permission)
    }
    steps = [
        {"text": step.text, "done": step.is_done(), "links": step.links(request)}
        for step in (_offered("STEPS") if shown else ())
    ]
    # Until every step is done.
    if all(step["done"] for step in steps):
        steps = []
    return {
        **context,
        "has_role": bool(shown),
        "steps": steps,
        "demo": DEMO in get_commands(),
        "panels": {name: panel for name, panel in shown.items() if panel.get("rows") or not steps},
    }


def add_links(app: str, model: str) -> Callable[[HttpRequest], list[Link]]:
    """For `Step.links`: no links for accounts that may not both add and change such rows."""

    def links(request: HttpRequest) -> list[Link]:
        if not request.user.has_perms([f"{app}.add_{model}", f"{app}.change_{model}"]):
            return []
        return [
            (_("Add one by one"), reverse(f"admin:{app}_{model}_add")),
            (_("Import a file"), reverse(f"admin:{app}_{model}_import")),
        ]

    return links


PANELS = [
    Panel("topology", 60, "orders.view_orderevent", "dashboard/topology.html", topology.show, live=True),
]


def _offered(name: str) -> list[Any]:
    found = [each for module in modules_named("dashboard") for each in getattr(module, name, [])]
    return sorted(found, key=lambda each: each.position)
