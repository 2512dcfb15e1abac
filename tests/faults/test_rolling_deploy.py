"""Two releases side by side and a migration between them, while a column comes, is filled, and goes."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from orders.models import Order
from products.factories import ProductFactory
from tests.faults.releases import Release, releases
from tests.kit import processes
from tests.kit.client import Answer, Client
from tests.kit.database import execute
from tests.kit.invariants import broken_rules
from tests.kit.processes import until
from tests.kit.scenes import buyer
from tests.kit.shop import Servers, own_servers
from users.models import User

BUYERS = 4
ENOUGH = 10
PAUSE_SECONDS = 0.02


class Buyer(threading.Thread):
    """Orders again and again from one web server; `move` waits for what is under way."""

    def __init__(self, user: User, product_id: int, url: str) -> None:
        super().__init__(daemon=True)
        self.user, self.product_id, self.http = user, product_id, Client(url)
        self.answers: list[Answer] = []
        self.turn, self.closing = threading.Lock(), threading.Event()

    def run(self) -> None:
        items = {"items": [{"product_id": self.product_id, "quantity": 1}]}
        while not self.closing.wait(PAUSE_SECONDS):
            with self.turn:
                self.answers.append(self.http.post("orders", items, user=self.user))

    def move(self, url: str) -> None:
        with self.turn:
            self.http = Client(url)

    @property
    def failed(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status != 201]


class Deployment:
    """The web servers that run, and the members who buy from them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.buyers: list[Buyer] = []

    @contextmanager
    def web(self, release: Release) -> Iterator[str]:
        log = self.folder / f"web-{release.folder.name}.log"
        with processes.web(log=log, cwd=release.folder, WEB_CONCURRENCY="1") as url:
            yield url

    def open(self, url: str) -> None:
        product = ProductFactory(price=1, stock=1_000_000)
        self.buyers = [Buyer(buyer(Client(url)), product.pk, url) for _ in range(BUYERS)]
        for each in self.buyers:
            each.start()

    def close(self) -> None:
        for each in self.buyers:
            each.closing.set()
        for each in self.buyers:
            each.join()

    def serve(self) -> None:
        """Let each buyer have some answers more."""
        before = [len(each.answers) for each in self.buyers]
        until(lambda: all(len(b.answers) >= n + ENOUGH for b, n in zip(self.buyers, before, strict=True)))

    def move(self, buyers: list[Buyer], url: str) -> None:
        for each in buyers:
            each.move(url)


@pytest.fixture
def servers(django_db_blocker, folder: Path) -> Iterator[Servers]:
    """A database for each test, of today's release."""
    with django_db_blocker.unblock(), processes.open_folder("rolling") as own, own_servers(own) as running:
        yield running


@pytest.fixture(scope="module")
def built(folder: Path, django_db_blocker) -> list[Release]:
    with django_db_blocker.unblock():
        return releases(folder / "releases")


@pytest.mark.usefixtures("servers")
def test_deploys_of_four_releases_with_migrations_between_them_fail_no_order(built, folder):
    deployment, earlier = Deployment(folder), ExitStack()
    deployment.open(earlier.enter_context(deployment.web(built[0])))
    try:
        for following in built[1:]:
            following.migrate()
            deployment.serve()  # by the release before, on the tables of the one to come
            later = ExitStack()
            url = later.enter_context(deployment.web(following))
            deployment.move(deployment.buyers[::2], url)
            deployment.serve()
            deployment.move(deployment.buyers, url)
            earlier.close()
            earlier = later
        deployment.serve()
    finally:
        deployment.close()
        earlier.close()
    assert not [answer.body for each in deployment.buyers for answer in each.failed]
    told = {answer.json["id"] for each in deployment.buyers for answer in each.answers}
    assert told == {*Order.objects.values_list("pk", flat=True)}
    assert not broken_rules()
    assert not execute("SELECT 1 FROM information_schema.columns WHERE column_name = 'channel'")


@pytest.mark.usefixtures("servers")
def test_column_that_is_dropped_in_one_step_fails_the_release_before(built, folder):
    built[2].migrate()
    deployment = Deployment(folder)
    with deployment.web(built[2]) as url:
        deployment.open(url)
        try:
            deployment.serve()
            assert not [each.failed for each in deployment.buyers if each.failed]
            built[4].migrate()
            deployment.serve()
        finally:
            deployment.close()
    assert all(each.failed for each in deployment.buyers)
    assert {answer.status for each in deployment.buyers for answer in each.failed} == {500}
    assert not broken_rules()
