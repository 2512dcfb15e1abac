"""Refusals of a basket beyond those of products, points and coupons."""

from core.json_schemas import COUNT, INTEGER
from core.problems import BilingualText, Problem


class PriceChanged(Problem):
    """The total is not the one that the client expected."""

    code = "price_changed"
    status = 409
    title = BilingualText("결제 금액이 달라졌어요", "The total has changed")
    detail = BilingualText(
        "바뀐 금액(total)을 확인하고 다시 주문해 주세요.", "Check the new total and order again."
    )
    extensions = {"expected_total": INTEGER, "total": COUNT}

    def __init__(self, *, expected_total: int, total: int) -> None:
        super().__init__(expected_total=expected_total, total=total)
