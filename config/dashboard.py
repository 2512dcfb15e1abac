"""The admin's first page: how the shop is doing now, or what to do first in an empty one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.base import BoundedPaginator
from backoffice.formatting import badge, lasting, linked, list_url, moment, number, won
from config.charts import chart
from coupons.selectors import BurnDown, burning_down
from orders.models import Order
from orders.selectors import sales_by_hour, undelivered
from products.models import LOW_STOCK, Product
from products.selectors import low_stock
from rankings.selectors import Entry, best_sellers
from users.models import User

HOURS = 72
ROWS = 8
# A healthy platform has an event within a second; a minute is when somebody should look.
LATE_SECONDS = 60
# The command that makes demo data; the image has none.
DEMO = "seed_demo"

Panel = dict[str, Any]


def compose(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The page's context, with what this staff account may see."""
    seen = {name: show() for name, (permission, show) in PANELS.items() if request.user.has_perm(permission)}
    steps = _steps(request) if seen else []
    panels = {name: panel for name, panel in seen.items() if panel.get("rows")} if steps else seen
    return {
        **context,
        "has_role": bool(seen),
        "steps": steps,
        "demo": DEMO in get_commands(),
        "panels": panels,
    }


def _sales() -> Panel:
    hours = sales_by_hour(hours=HOURS)
    newest = [(moment(each.starts_at), number(each.orders), won(each.paid)) for each in reversed(hours)]
    return {
        "rows": newest if any(each.orders for each in hours) else [],
        "orders": chart(hours, value=lambda each: each.orders, shown=number),
        "paid": chart(hours, value=lambda each: each.paid, shown=won),
        "hours": HOURS,
        "url": list_url("orders_order"),
    }


def _best_sellers() -> Panel:
    ranking = best_sellers(days=settings.RANKING_DAYS, size=settings.RANKING_SIZE)
    return {
        "rows": [_ranked(entry) for entry in ranking.entries],
        "hours": settings.RANKING_DAYS * 24,
    }


def _ranked(entry: Entry) -> dict[str, Any]:
    sales = entry.best_seller.sales
    return {
        "rank": entry.best_seller.rank,
        "product": linked(Product(pk=entry.product.product_id, name=entry.product.name)),
        "units": number(sales.units),
        "amount": won(sales.amount),
        "stock": number(entry.product.stock),
    }


def _coupons() -> Panel:
    return {
        "rows": [_burning(each) for each in burning_down(limit=ROWS)],
        "url": list_url("coupons_coupon"),
    }


def _burning(each: BurnDown) -> dict[str, Any]:
    coupon = each.coupon
    return {
        "coupon": linked(coupon),
        "share": coupon.issued * 100 // coupon.quantity,
        "left": number(coupon.remaining),
        "quantity": number(coupon.quantity),
        "pace": each.hourly and _("%(count)s an hour") % {"count": f"{each.hourly:,.0f}"},
        "taken": coupon.issued > 0,
        "sold_out_at": moment(each.sold_out_at),
        "closes_at": moment(coupon.closes_at),
    }


def _events() -> Panel:
    owed = undelivered(most=BoundedPaginator.COUNTED + 1)
    late = owed.overdue_seconds >= LATE_SECONDS
    return {
        "pending": _bounded(owed.pending),
        "pending_url": list_url("orders_orderevent", state__exact="pending"),
        "dead": _bounded(owed.dead),
        "dead_url": list_url("orders_orderevent", state__exact="dead"),
        "lag": lasting(owed.overdue_seconds),
        "state": _state(late=late, dead=bool(owed.dead)),
    }


def _bounded(count: int) -> str:
    """A count, or that there are more than the lists count."""
    most = BoundedPaginator.COUNTED
    return number(count) if count <= most else _("more than %(count)s") % {"count": number(most)}


def _state(*, late: bool, dead: bool) -> str:
    colours = {"dead": "danger", "late": "warning", "fine": "success"}
    texts = {"dead": _("Given up on some"), "late": _("Late"), "fine": _("On time")}
    state = "dead" if dead else "late" if late else "fine"
    return badge(state, texts[state], colours)


def _low_stock() -> Panel:
    return {
        "rows": [
            (linked(product), number(product.stock), number(product.units_sold))
            for product in low_stock(limit=ROWS)
        ],
        "most": LOW_STOCK,
        "url": list_url("products_product", stock="low"),
    }


PANELS: dict[str, tuple[str, Callable[[], Panel]]] = {
    "sales": ("orders.view_order", _sales),
    "best_sellers": ("products.view_product", _best_sellers),
    "coupons": ("coupons.view_coupon", _coupons),
    "events": ("orders.view_orderevent", _events),
    "low_stock": ("products.view_product", _low_stock),
}


@dataclass(frozen=True)
class Step:
    """Something to do in a new shop; whether it is done, and where this staff account may do it."""

    text: str
    done: bool
    links: list[tuple[str, str]]


def _steps(request: HttpRequest) -> list[Step]:
    """What to do until the first order comes."""
    if Order.objects.exists():
        return []
    orders = _("Let the first order come: members charge points and order through the API.")
    return [
        Step(_("Add the members who may buy."), User.objects.exists(), _ways_in(request, "users", "user")),
        Step(
            _("Add products with a price and a stock."),
            Product.objects.exists(),
            _ways_in(request, "products", "product"),
        ),
        Step(orders, False, [(_("How to call the API"), reverse("docs"))]),  # noqa: FBT003 - what it is
    ]


def _ways_in(request: HttpRequest, app: str, model: str) -> list[tuple[str, str]]:
    if not request.user.has_perms([f"{app}.add_{model}", f"{app}.change_{model}"]):
        return []
    return [
        (_("Add one by one"), reverse(f"admin:{app}_{model}_add")),
        (_("Import a file"), reverse(f"admin:{app}_{model}_import")),
    ]
