"""What is asked of the shop, and the answers that make nothing new."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.problems import problem_types

COMMON = {"type", "title", "status", "detail", "code", "request_id"}  # members of every problem


class Refused(Exception):
    """A problem: its code, and the members it adds."""

    def __init__(self, code: str, **members: Any) -> None:
        super().__init__(code)
        self.code = code
        self.members = members


@dataclass(frozen=True)
class Basket:
    user: int
    quantities: Mapping[int, int]
    issued_coupon_id: int | None = None
    expected_total: int | None = None


def body(basket: Basket) -> dict[str, Any]:
    """What is sent for a basket; what it does not have is left out."""
    items = [{"product_id": pk, "quantity": quantity} for pk, quantity in basket.quantities.items()]
    optional = {"issued_coupon_id": basket.issued_coupon_id, "expected_total": basket.expected_total}
    return {"items": items, **{name: value for name, value in optional.items() if value is not None}}


def refused(answer: Any, told: dict[str, Any], refusal: Refused) -> None:
    """The answer says what the model refused, with the same members."""
    assert (told["code"], answer.status_code) == (refusal.code, problem_types()[refusal.code].status)
    assert {name: told[name] for name in told.keys() - COMMON} == refusal.members


def replayed(answer: Any, told: dict[str, Any], data: Any, before: tuple[Any, Any]) -> None:
    """The key came before: the first answer again, or a refusal of another body."""
    if data != before[0]:
        return refused(answer, told, Refused("idempotency_key_reused"))
    assert answer.status_code == 201
    assert {**told, "ordered_at": None} == {**before[1], "ordered_at": None}  # an operator may move it
    assert answer.headers["Idempotent-Replayed"] == "true"
    return None
