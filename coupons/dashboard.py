"""Running campaigns on the admin's first page."""

from typing import Any

from backoffice.dashboard import Panel
from coupons.selectors import issue_forecasts

ROWS = 8


def _coupons() -> dict[str, Any]:
    return {
        "rows": [_row(each) for each in issue_forecasts(limit=ROWS)],
        "url": list_url("coupons_coupon"),
    }


def _row(each: IssueForecast) -> dict[str, Any]:
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


PANELS = [Panel("coupons", 40, "coupons.view_coupon", "coupons/dashboard/coupons.html", _coupons)]
