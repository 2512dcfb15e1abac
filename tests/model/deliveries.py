"""What the data platform got, beside what the model's orders owe it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tests.kit.platforms import Recorder
from tests.model.shop import Order

ITS_OWN = {"balance_after", "status", "id"}  # members of an order's answer that its event does not carry


@dataclass
class Deliveries:
    """A platform that refuses the events it is told to, and remembers every order's first body."""

    platform: Recorder
    bodies: dict[int, bytes] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.platform.url

    def forget_all(self) -> None:
        self.bodies.clear()

    def forget(self, order_id: int) -> None:
        """The next body of this order may differ: somebody rewrote the order."""
        self.bodies.pop(order_id, None)

    def refuse(self, order_ids: Collection[int], status: int) -> None:
        """From now on, answer the events of these orders so, and accept the others."""
        subjects = {str(pk) for pk in order_ids}

        def answer(body: bytes) -> tuple[int, dict[str, str]]:
            return (status, {"Retry-After": "60"}) if json.loads(body)["subject"] in subjects else (204, {})

        self.platform.answers = answer
        self.platform.attempts.clear()

    def check(self, owed: Mapping[int, Order]) -> None:
        """One attempt for each order that was owed, with the same bytes every time and the order in it."""
        attempts = [(int(json.loads(body)["subject"]), body) for _, body in self.platform.attempts]
        assert sorted(pk for pk, _ in attempts) == sorted(owed)
        for pk, body in attempts:
            assert body == self.bodies.setdefault(pk, body)
            data, answer = json.loads(body)["data"], owed[pk].answer
            assert (data["order_id"], data["user_id"]) == (pk, owed[pk].user)
            same = answer.keys() - ITS_OWN
            assert {name: data[name] for name in same} == {name: answer[name] for name in same}
