"""Two boxes' worth: two groups of web processes and two workers, with one database and one Redis."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from random import Random

import pytest

from coupons.factories import CouponFactory
from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.faults.rush import Wish, answer_on, connected
from tests.faults.test_rush import one_update_lost
from tests.kit.client import Answer, Client
from tests.kit.database import execute
from tests.kit.invariants import broken_rules
from tests.kit.processes import free_port, until
from tests.kit.scenes import buyer
from tests.kit.shop import Part, Shop
from users.models import User

MEMBERS, UNITS, COUPONS = 60, 50, 40
POINTS = 1_000


@pytest.fixture(scope="module")
def second_worker(opened: Shop) -> Iterator[Part]:
    """Another worker, which runs as well."""
    part = opened.another_worker("second-worker")
    part.start()
    yield part
    part.kill()


@pytest.fixture(scope="module")
def groups(opened: Shop, second_worker: Part) -> Iterator[list[str]]:
    """Where each group of web processes listens."""
    metrics, port = opened.folder / "second-web", free_port()
    metrics.mkdir()
    second = Client(f"http://127.0.0.1:{port}")
    own = {"PORT": str(port), "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    part = Part(
        *opened.web.command,
        log=opened.folder / "second-web.log",
        ready=lambda log: b"Listening at" in log and second.get("/livez").status == 200,
        **{**opened.web.env, **own},
    )
    part.start()
    yield [opened.http.url, second.url]
    part.kill()


def ask_everywhere(groups: list[str], wishes: Iterable[Wish]) -> list[list[Answer]]:
    """What each group answered, everybody having sent every wish to both before any was answered."""
    with ExitStack() as stack:
        crowd = [(wish, stack.enter_context(closing(connected(url)))) for wish in wishes for url in groups]
        for wish, connection in crowd:
            wish.send(connection)
        answers = [answer_on(connection) for _, connection in crowd]
    return [answers[place :: len(groups)] for place in range(len(groups))]


def statuses(answers: list[list[Answer]]) -> Counter[int]:
    return Counter(answer.status for group in answers for answer in group)


def members(shop: Shop, *, points: int = POINTS) -> list[User]:
    return [buyer(shop.http, points=points) for _ in range(MEMBERS)]


def order_of(user: User, product_id: int) -> Wish:
    return Wish(user.pk, "orders", {"items": [{"product_id": product_id, "quantity": 1}]})


def test_groups_sell_no_more_than_there_is(shop: Shop, groups: list[str]) -> None:
    users, stock = members(shop), {}

    def both_sold() -> bool:
        product = ProductFactory(price=1, stock=UNITS)
        stock[product.pk] = UNITS
        answers = ask_everywhere(groups, [order_of(user, product.pk) for user in users])
        assert statuses(answers) == {201: UNITS, 409: 2 * MEMBERS - UNITS}
        return all(any(answer.status == 201 for answer in group) for group in answers)

    # On a busy machine one group may sell all before the other has begun.
    until(both_sold)
    assert broken_rules(stock=stock) == []


def test_unit_sold_by_one_group_and_not_taken_would_be_noticed(shop: Shop, groups: list[str]) -> None:
    product, users = ProductFactory(price=1, stock=UNITS), members(shop)
    with one_update_lost("products_product", when=f"OLD.id = {product.pk} AND OLD.stock = 5"):
        answers = ask_everywhere(groups, [order_of(user, product.pk) for user in users])
    sold = statuses(answers)[201]
    assert sold > UNITS
    assert broken_rules(stock={product.pk: UNITS})
    execute("UPDATE products_product SET units_sold = %s WHERE id = %s", sold, product.pk)


def test_groups_take_charges_orders_and_issues_of_the_same_people_at_once(
    shop: Shop, groups: list[str]
) -> None:
    users, campaign = members(shop), CouponFactory(quantity=COUPONS)
    product = ProductFactory(price=1, stock=len(groups) * MEMBERS)
    wishes = [Wish(user.pk, f"coupons/{campaign.pk}/issue") for user in users]
    wishes += [Wish(user.pk, "points/charges", {"amount": 5}) for user in users]
    wishes += [order_of(user, product.pk) for user in users]
    Random(1).shuffle(wishes)
    answers = [answer for group in ask_everywhere(groups, wishes) for answer in group]
    refused = [answer.code for answer in answers if answer.status != 201]
    assert set(refused) == {"coupon_sold_out", "coupon_already_issued"}
    assert len(refused) == 2 * MEMBERS - COUPONS
    assert broken_rules() == []


def test_workers_of_two_groups_send_no_event_twice(
    shop: Shop, groups: list[str], second_worker: Part
) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1, stock=100_000)

    def both_took_part() -> bool:
        ask_everywhere(groups, [order_of(user, product.pk)] * 4)
        return all(map(sent_by, (shop.worker, second_worker)))

    until(both_took_part)
    shop.deliver_all()
    first, second = sent_by(shop.worker), sent_by(second_worker)
    assert not set(first) & set(second)
    assert sorted(first + second) == sorted(str(pk) for pk in OrderEvent.objects.values_list("pk", flat=True))


def sent_by(worker: Part) -> list[str]:
    """The events that a worker delivered, as often as it did."""
    lines = [line for line in worker.log.read_text().splitlines() if '"event_delivered"' in line]
    return [json.loads(line)["event_id"] for line in lines]
