"""Refusals of issuing a coupon, and of paying with one."""

from datetime import datetime

from core.json_schemas import ID, NULLABLE_TIMESTAMP
from core.problems import BilingualText, Problem
from core.timestamps import rfc3339


class CouponNotOpen(Problem):
    """The campaign has not opened yet, or has closed."""

    code = "coupon_not_open"
    status = 409
    title = BilingualText("지금은 받을 수 없는 쿠폰이에요", "The coupon is not open")
    detail = BilingualText(
        "opens_at과 closes_at 사이에 다시 시도해 주세요.", "Try again between opens_at and closes_at."
    )
    extensions = {"opens_at": NULLABLE_TIMESTAMP, "closes_at": NULLABLE_TIMESTAMP}

    def __init__(self, *, opens_at: datetime | None, closes_at: datetime | None) -> None:
        super().__init__(opens_at=opens_at and rfc3339(opens_at), closes_at=closes_at and rfc3339(closes_at))


class CouponAlreadyIssued(Problem):
    """The user has one of this campaign."""

    code = "coupon_already_issued"
    status = 409
    title = BilingualText("이미 받은 쿠폰이에요", "You already have this coupon")
    detail = BilingualText(
        "쿠폰은 한 사람에게 한 장만 드려요. 내 쿠폰함을 확인해 주세요.",
        "One coupon of a kind per person. It is among your issued coupons.",
    )
    extensions = {"issued_coupon_id": ID}

    def __init__(self, *, issued_coupon_id: int) -> None:
        super().__init__(issued_coupon_id=issued_coupon_id)


class CouponSoldOut(Problem):
    """All of them are issued, and committed."""

    code = "coupon_sold_out"
    status = 409
    title = BilingualText("쿠폰이 모두 소진됐어요", "Coupon sold out")
    detail = BilingualText(
        "준비한 수량이 모두 발급됐어요. 다른 쿠폰을 확인해 주세요.",
        "All of them have been issued. Have a look at the other coupons.",
    )


class CouponNotFound(Problem):
    """The order names a coupon that the user does not hold."""

    code = "coupon_not_found"
    status = 404
    title = BilingualText("쿠폰을 찾을 수 없어요", "Coupon not found")
    detail = BilingualText(
        "내 쿠폰함에 없는 쿠폰이에요. 발급 쿠폰 번호를 확인해 주세요.",
        "You hold no such coupon. Check the id of the issued coupon.",
    )


class CouponAlreadyUsed(Problem):
    """An order has used the coupon."""

    code = "coupon_already_used"
    status = 409
    title = BilingualText("이미 사용한 쿠폰이에요", "The coupon was already used")
    detail = BilingualText(
        "다른 쿠폰을 고르거나 쿠폰 없이 주문해 주세요.", "Choose another coupon or order without one."
    )


class CouponExpired(Problem):
    """The coupon has expired."""

    code = "coupon_expired"
    status = 409
    title = BilingualText("유효 기간이 지난 쿠폰이에요", "The coupon has expired")
    detail = BilingualText(
        "다른 쿠폰을 고르거나 쿠폰 없이 주문해 주세요.", "Choose another coupon or order without one."
    )
