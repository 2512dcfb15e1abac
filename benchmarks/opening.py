"""python -m benchmarks.opening: an opening at noon. 50,000 members ask for 10,000 coupons over HTTP.

The members come in no order, each once, and ask as fast as the shop answers. Whoever is told to come again
(503) or is cut off does, until the answer is definite. Then everything is counted: it fails unless just as
many coupons as there were are handed out, numbered without a gap, all others heard that it is sold out, and
the books are right.
"""

import argparse
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from benchmarks.load import Connection, answer  # noqa: E402
from benchmarks.stand import Stand, stand  # noqa: E402
from benchmarks.traffic import request  # noqa: E402
from coupons.models import Coupon, IssuedCoupon  # noqa: E402
from tests.kit.invariants import wrongs  # noqa: E402
from tests.kit.processes import open_folder  # noqa: E402

WARM_UP_SECONDS = 2.0
AGAIN_SECONDS = 1.0
DEFINITE = {"201", "409 coupon_sold_out"}


@dataclass
class Opening:
    """What members were answered, after how many seconds; `sequences` are the numbers they were given."""

    outcomes: "Counter[str]" = field(default_factory=Counter)
    taken: list[tuple[str, float]] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    sold_out_after: float = 0.0
    seconds: float = 0.0
    client_cpu: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    def quantile(self, outcome: str, share: float) -> float:
        """The seconds within which this share of one kind of answer came."""
        taken = sorted(seconds for answer, seconds in self.taken if answer == outcome)
        return taken[min(len(taken) - 1, int(share * len(taken)))]


def open_doors(here: Stand, *, coupon: int, users: list[int], clients: int) -> Opening:
    """Let everybody in at once."""
    opening = Opening()
    queue, before = iter(users), here.cpu()
    turn = threading.Lock()
    began, processor = time.monotonic(), time.process_time()

    def members() -> Iterator[int]:
        while True:
            with turn:
                user = next(queue, None)
            if user is None:
                return
            yield user

    def client() -> None:
        serve(here.shop.http.url, coupon=coupon, members=members(), opening=opening, began=began)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    opening.seconds, opening.client_cpu = time.monotonic() - began, time.process_time() - processor
    opening.cpu = {group: spent - before[group] for group, spent in here.cpu().items()}
    return opening


def serve(url: str, *, coupon: int, members: Iterable[int], opening: Opening, began: float) -> None:
    """One connection, by which members ask in turn, each until the answer is definite."""
    connection, host = Connection(url), urlsplit(url).netloc
    for user in members:
        asked = time.monotonic()
        message = request(host, "POST", f"/api/v1/coupons/{coupon}/issue", user=user)
        outcome, body = answer(connection, message)
        while not outcome[0].isdigit() or outcome.startswith("503"):
            opening.outcomes[f"{outcome}, asked again"] += 1
            time.sleep(AGAIN_SECONDS)
            outcome, body = answer(connection, message)
        now = time.monotonic()
        opening.outcomes[outcome] += 1
        opening.taken.append((outcome, now - asked))
        if outcome == "201":
            opening.sequences.append(json.loads(body)["sequence"])
            opening.sold_out_after = now - began
    connection.close()


def mistakes(opening: Opening, *, coupon: int, users: int, quantity: int) -> list[str]:
    """What is wrong with what members were answered, with the rows and with the books."""
    numbers = list(range(1, quantity + 1))
    rows = IssuedCoupon.objects.filter(coupon=coupon).order_by("sequence")
    campaign = Coupon.objects.get(pk=coupon)
    definite = {outcome: number for outcome, number in opening.outcomes.items() if "again" not in outcome}
    checks = {
        f"answered: {definite}": definite == {"201": quantity, "409 coupon_sold_out": users - quantity},
        "numbers told": sorted(opening.sequences) == numbers,
        "rows": list(rows.values_list("sequence", flat=True)) == numbers,
        "holders": rows.values("user").distinct().count() == quantity,
        f"counted: {campaign.issued}": campaign.issued == quantity,
    }
    return [check for check, holds in checks.items() if not holds] + wrongs()


def describe(opening: Opening, *, users: int, quantity: int) -> None:
    """Print the figures."""
    late = opening.seconds - opening.sold_out_after
    print(
        f"sold out after {opening.sold_out_after:.1f} s, {quantity / opening.sold_out_after:,.0f} issues/s;"
    )
    print(f"all {users:,} answered after {opening.seconds:.1f} s, {users / opening.seconds:,.0f}/s", end="")
    print(f" ({(users - quantity) / late:,.0f} refusals/s after it was sold out)" if late > 0.5 else "")
    for outcome in sorted(DEFINITE & set(opening.outcomes)):
        quantiles = [opening.quantile(outcome, share) * 1000 for share in (0.5, 0.95, 0.99, 1)]
        print(f"{outcome}: p50 {quantiles[0]:.0f}, p95 {quantiles[1]:.0f}, p99 {quantiles[2]:.0f},", end="")
        print(f" slowest {quantiles[3]:.0f} ms")
    spent = {**opening.cpu, "clients": opening.client_cpu}
    print("processor seconds:", ", ".join(f"{group} {seconds:.1f}" for group, seconds in spent.items()))
    print("answers:", dict(opening.outcomes))


def main() -> None:
    """Open once; fail where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.opening", description=main.__doc__)
    parser.add_argument("--users", type=int, default=50_000, help="of the stand's 100,000")
    parser.add_argument("--quantity", type=int, default=10_000, help="fewer than there are users")
    parser.add_argument("--clients", type=int, default=200, help="connections")
    options = parser.parse_args()
    users = random.sample(range(1, 100_001), options.users)
    with open_folder("opening") as folder, stand(folder) as here:
        here.load("noop", clients=32, seconds=WARM_UP_SECONDS)
        coupon = here.campaign(quantity=options.quantity)
        opening = open_doors(here, coupon=coupon, users=users, clients=options.clients)
        wrong = mistakes(opening, coupon=coupon, users=options.users, quantity=options.quantity)
    describe(opening, users=options.users, quantity=options.quantity)
    print(f"wrong: {wrong or 'nothing'}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
