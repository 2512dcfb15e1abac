"""Running campaigns on the admin's first page."""

from typing import Any

from backoffice.dashboard import Panel
from coupons.selectors import issue_forecasts

ROWS = 8


def _coupons() -> dict[str, Any]:
    return {"rows": issue_forecasts(limit=ROWS)}


PANELS = [Panel("coupons", 40, "coupons.view_coupon", "coupons/dashboard/coupons.html", _coupons)]
