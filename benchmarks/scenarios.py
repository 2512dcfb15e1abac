"""What clients ask for, and which answers are as they should be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from benchmarks.rows import HOLDERS

CREATED, READ = ("201",), ("200",)
SOLD_OUT, HELD = ("409 coupon_sold_out",), ("409 coupon_already_issued",)


class Campaigns(Protocol):
    """A shop that can be given a coupon to hand out."""

    def campaign(self) -> int:
        """A new campaign, not issued yet; its id."""


@dataclass(frozen=True)
class Scenario:
    """Requests of one kind (`sends`, a name in traffic.py) by so many clients.

    What is neither `done` nor `refused` is unexpected. Where orders are `delivered`, a run lasts until the
    last event has arrived, if the shop is asked for that. Closed loop, or `rate` requests a second.
    Only the processor time of the `counted` groups of processes counts, where they are named.
    """

    name: str
    title: str
    clients: int
    done: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    options: Callable[[Campaigns], dict[str, int]] = lambda _shop: {}
    delivered: bool = False
    sends: str = ""
    rate: float = 0
    counted: tuple[str, ...] = ()

    @property
    def traffic(self) -> str:
        """The name in traffic.py."""
        return self.sends or self.name

    def answered(self, outcomes: dict[str, int]) -> int:
        """How many were answered as they should be."""
        return sum(outcomes.get(outcome, 0) for outcome in self.done + self.refused)

    def unexpected(self, outcomes: dict[str, int]) -> dict[str, int]:
        """The others."""
        expected = self.done + self.refused
        return {outcome: number for outcome, number in outcomes.items() if outcome not in expected}


def _new_campaign(shop: Campaigns) -> dict[str, int]:
    return {"coupon": shop.campaign(), "first_user": 1}


def _sold_out_campaign(_shop: Campaigns) -> dict[str, int]:
    return {"coupon": 1, "first_user": HOLDERS + 1}


def _held_campaign(_shop: Campaigns) -> dict[str, int]:
    return {"coupon": 1}


WRITES = (
    Scenario("orders", "order of two lines", 8, CREATED, delivered=True),
    Scenario("orders-hot", "order, one hot product", 32, CREATED, delivered=True),
    Scenario("charges", "charge", 16, CREATED),
    Scenario("charges-one", "charge, all to one member", 16, CREATED),
    Scenario("issues", "coupon issued", 32, CREATED, options=_new_campaign),
    Scenario("issues-sold-out", "coupon refused: sold out", 32, refused=SOLD_OUT, options=_sold_out_campaign),
    Scenario("issues-again", "coupon refused: held already", 32, refused=HELD, options=_held_campaign),
)
READS = (
    Scenario("product", "product", 16, READ),
    Scenario("products", "page of products", 16, READ),
    Scenario("balance", "balance", 16, READ),
    Scenario("order", "one order", 16, READ),
    Scenario("orders-page", "page of orders", 16, READ),
    Scenario("ledger", "page of the ledger", 16, READ),
    Scenario("issued-coupons", "page of coupons held", 16, READ),
    Scenario("coupons", "page of coupons", 16, READ),
    Scenario("ranking", "best sellers", 16, READ),
)
SCENARIOS = {scenario.name: scenario for scenario in READS + WRITES}
