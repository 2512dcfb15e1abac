"""Refusals of charges and payments."""

from core.json_schemas import COUNT
from core.problems import BilingualText, Problem


class InsufficientPoints(Problem):
    """The balance is below the total."""

    code = "insufficient_points"
    status = 409
    title = BilingualText("포인트가 부족해요", "Not enough points")
    detail = BilingualText("포인트를 충전한 뒤 다시 주문해 주세요.", "Charge points and order again.")
    extensions = {"required": COUNT, "balance": COUNT}

    def __init__(self, *, required: int, balance: int) -> None:
        super().__init__(required=required, balance=balance)


class BalanceOverflow(Problem):
    """The charge would pass the largest balance that can be stored."""

    code = "balance_overflow"
    status = 409
    title = BilingualText("잔액 한도를 넘어요", "The balance would pass its limit")
    detail = BilingualText(
        "충전하면 저장할 수 있는 가장 큰 잔액을 넘어요. 더 적은 금액을 충전해 주세요.",
        "The charge would pass the largest balance that can be stored. Charge less.",
    )
