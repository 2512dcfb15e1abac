"""How the admin looks and what its sidebar leads to."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _page(title: Any, icon: str, table: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{table}_changelist"),
        "permission": lambda request: request.user.has_perm("{}.view_{}".format(*table.split("_"))),
    }


def _group(title: Any, *pages: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": False, "items": list(pages)}


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    links = [{"title": _("Manual"), "link": reverse_lazy("admin:manual")}]
    if request.user.is_authenticated and request.user.has_usable_password():
        links.append({"title": _("Change password"), "link": reverse_lazy("admin:password_change")})
    return links


NAVIGATION = [
    _group(None, {"title": _("Overview"), "icon": "monitoring", "link": reverse_lazy("admin:index")}),
    _group(
        _("Sales"),
        _page(_("Orders"), "receipt_long", "orders_order"),
        _page(_("Order events"), "outbox", "orders_orderevent"),
        _page(_("Refusals"), "block", "refusals_refusal"),
    ),
    _group(
        _("Shop"),
        _page(_("Products"), "local_cafe", "products_product"),
        _page(_("Coupons"), "sell", "coupons_coupon"),
        _page(_("Issued coupons"), "confirmation_number", "coupons_issuedcoupon"),
    ),
    _group(
        _("Members"),
        _page(_("Members"), "group", "users_user"),
        _page(_("Point balances"), "account_balance_wallet", "points_pointaccount"),
        _page(_("Point ledger"), "menu_book", "points_pointtransaction"),
    ),
    _group(
        _("Staff"),
        _page(_("Staff accounts"), "badge", "auth_user"),
        _page(_("Roles"), "key", "auth_group"),
        _page(_("Action log"), "history", "admin_logentry"),
    ),
]

UNFOLD = {
    "SITE_TITLE": _("pointshop admin"),
    "SITE_HEADER": "pointshop",
    "SITE_SYMBOL": "storefront",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("api/favicon.svg")}
    ],
    "SCRIPTS": [lambda _request: static("backoffice/page.js")],
    "STYLES": [lambda _request: static("backoffice/admin.css")],
    "SHOW_LANGUAGES": True,
    "ACCOUNT": {"navigation": account_links},
    "DASHBOARD_CALLBACK": "backoffice.dashboard.dashboard_context",
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
