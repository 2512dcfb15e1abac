"""Campaigns that are running, about to open or just finished, on the admin's first page."""

from typing import Any

from backoffice.dashboard import Panel
from coupons.selectors import issue_forecasts, just_finished, opening_soon

ROWS = 8
# In addition to the running ones.
FEW = 4


def _coupons() -> dict[str, Any]:
    return {
        "rows": issue_forecasts(limit=ROWS),
        "opening": opening_soon(limit=FEW),
        "finished": just_finished(limit=FEW),
    }


PANELS = [Panel("coupons", 40, "coupons.view_coupon", "coupons/dashboard/coupons.html", _coupons)]
