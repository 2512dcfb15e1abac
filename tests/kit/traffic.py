"""Clients who each wait for an answer before they ask again."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from tests.kit.client import Client
from tests.kit.journal import DONE, UNKNOWN, Attempt, Journal, Request, Write
from tests.kit.market import Market

CLIENTS = 16
TIMEOUT_SECONDS = 10
THINKING_SECONDS = 0.08
LATER_SECONDS = 0.3
FIRST_POINTS = 300_000


class Shopper:
    """One client; what it asks follows from its seed and from what it was told."""

    def __init__(self, *, name: str, http: Client, market: Market, journal: Journal, chance: Random) -> None:
        self.name = name
        self.http = http
        self.market = market
        self.journal = journal
        self.chance = chance
        self.asked = 0
        self.doubts: list[Write] = []
        self.settled: list[Write] = []
        self.menu: dict[Callable[[], Request], int] = {
            self.charge: 12,
            self.issue: 12,
            self.order: 34,
            self.quote: 8,
            self.product: 10,
            self.ranking: 6,
            self.listing: 10,
            self.replay: 5,
        }

    def shop(self, closing: threading.Event) -> None:
        """Ask, think, ask again."""
        while not closing.is_set():
            attempt = self.ask(self._next())
            failed = attempt.outcome == UNKNOWN or attempt.status == 503
            closing.wait(LATER_SECONDS if failed else self.chance.uniform(0, 2 * THINKING_SECONDS))

    def ask(self, request: Request) -> Attempt:
        """Send it and remember what matters."""
        attempt = self.journal.ask(self.http, request, client=self.name)
        if request.writes:
            self._remember(attempt, self.journal.write(request))
        return attempt

    def _next(self) -> Request:
        """Often what is in doubt, otherwise something new."""
        if self.doubts and self.chance.random() < 0.5:
            return self.doubts[0].request
        (choice,) = self.chance.choices(list(self.menu), list(self.menu.values()))
        return choice()

    def _remember(self, attempt: Attempt, write: Write) -> None:
        self.doubts = [each for each in self.doubts if each is not write]
        if attempt.outcome == UNKNOWN:
            self.doubts.append(write)
        if attempt.outcome == DONE and attempt.operation == "issue":
            self.market.coupons.setdefault(write.request.user or 0, []).append(write.told["id"])
        elif attempt.outcome == DONE:
            self.settled.append(write)
            self._put_away(write)

    def _put_away(self, write: Write) -> None:
        """A coupon that is used; until now any client may have tried it."""
        with suppress(ValueError):
            self.market.coupons.get(write.request.user or 0, []).remove(write.told.get("issued_coupon_id"))

    def _key(self) -> str:
        self.asked += 1
        return f"{self.name}-{self.asked}"

    def _member(self) -> int:
        """Half the time one of four whom everybody is."""
        members = self.market.members
        return self.chance.choice(members[:4] if self.chance.random() < 0.5 else members)

    def charge(self) -> Request:
        """Points come in."""
        amount = self.chance.randrange(5_000, 120_000, 500)
        return Request("charge", "points/charges", self._member(), {"amount": amount}, self._key())

    def issue(self) -> Request:
        """A coupon, most often of a new campaign."""
        coupon_id = self.chance.choice(self.market.campaigns[-6:])
        return Request("issue", f"coupons/{coupon_id}/issue", self._member(), key=f"coupon-{coupon_id}")

    def order(self) -> Request:
        """One or two lines, some with a coupon, some at a price seen at some time."""
        return Request("order", "orders", *self._basket(), self._key())

    def quote(self) -> Request:
        """What an order would cost."""
        return Request("quote", "orders/quote", *self._basket())

    def _basket(self) -> tuple[int, dict[str, object]]:
        user = self._member()
        shelves = (self.market.hot, self.market.scarce, self.market.ordinary)
        shelf = self.chance.choices(shelves, (5, 2, 5), k=self.chance.choice([1, 1, 2]))
        picked = {self.chance.choice(each): self.chance.randint(1, 3) for each in shelf}
        items = [{"product_id": pk, "quantity": quantity} for pk, quantity in picked.items()]
        body: dict[str, object] = {"items": items}
        if (coupons := self.market.coupons.get(user, [])[-3:]) and self.chance.random() < 0.4:
            body["issued_coupon_id"] = self.chance.choice(coupons)
        elif self.chance.random() < 0.2:
            prices = {pk: self.chance.choice(sorted(self.market.prices[pk])) for pk in picked}
            body["expected_total"] = sum(prices[pk] * quantity for pk, quantity in picked.items())
        return user, body

    def product(self) -> Request:
        """One product."""
        return Request("product", f"products/{self.chance.choice(self.market.products)}")

    def ranking(self) -> Request:
        """The best sellers."""
        return Request("ranking", "rankings/products")

    def listing(self) -> Request:
        """A page of something."""
        path = self.chance.choice(
            ("products", "coupons", "points", "points/transactions", "orders", "issued-coupons?status=usable")
        )
        return Request("list", path, self._member())

    def replay(self) -> Request:
        """Something done before, with its key; the answer must be the first one."""
        return self.chance.choice(self.settled).request if self.settled else self.order()


def shoppers(
    *, url: str, market: Market, journal: Journal, seed: int, count: int = CLIENTS, ca: Path | None = None
) -> list[Shopper]:
    """The clients of a run; for an https URL they trust `ca` alone."""
    return [
        Shopper(
            name=f"client-{number:02}",
            http=Client(url, connections=1, timeout=TIMEOUT_SECONDS, ca=ca),
            market=market,
            journal=journal,
            chance=Random(f"{seed} client {number}"),
        )
        for number in range(count)
    ]


def give_points(clients: list[Shopper]) -> None:
    """Each member's first charge, before anything breaks."""
    first = clients[0]
    for user in first.market.members:
        request = Request("charge", "points/charges", user, {"amount": FIRST_POINTS}, f"first-{user}")
        assert first.ask(request).outcome == DONE


@contextmanager
def traffic(clients: list[Shopper]) -> Iterator[None]:
    """The clients ask until the block ends; by then each has its last answer."""
    closing = threading.Event()
    threads = [threading.Thread(target=client.shop, args=(closing,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        closing.set()
        for thread in threads:
            thread.join()


def resolve(clients: list[Shopper]) -> Counter[str]:
    """Replay every write in doubt until its answer is definite; what became of how many."""
    journal = clients[0].journal
    opened = journal.open()
    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(_settle, clients, [opened[number :: len(clients)] for number in range(len(clients))]))
    return Counter(each.fate for each in list(journal.writes.values()) if each.doubtful)


def _settle(client: Shopper, writes: list[Write], *, tries: int = 40) -> None:
    """One that gets no definite answer stays open."""
    for write in writes:
        for _ in range(tries):
            attempt = client.ask(write.request)
            if attempt.outcome != UNKNOWN and attempt.code != "busy":
                write.settled = True
                break
            threading.Event().wait(LATER_SECONDS)
