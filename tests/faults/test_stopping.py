"""SIGTERM under load."""

import time

from orders.models import OrderEvent
from tests.faults.load import buying, missing
from tests.kit.database import held, lock_waiters
from tests.kit.processes import until
from tests.kit.shop import Shop

ROUNDS = 3


def test_web_server_answers_all_that_was_sent_before_sigterm(shop: Shop) -> None:
    for _ in range(ROUNDS):
        with buying(shop, people=16) as load:
            until(lambda load=load: len(load.acknowledged) > 100)
            asked = time.monotonic()
            assert shop.web.stop() == 0
        assert load.unanswered(sent_before=asked) == []
        assert load.refusals == []
        shop.web.start()
        load.try_again()
        assert missing(load.acknowledged) == []


def test_web_server_killed_would_leave_requests_unanswered(shop: Shop) -> None:
    with buying(shop, people=16) as load:
        until(lambda: len(load.acknowledged) > 100)
        # One of them at least is being answered at that moment.
        with held("products_product", "id", load.purchases[0].product_id):
            until(lock_waiters)
            killed = time.monotonic()
            shop.web.kill()
    assert load.unanswered(sent_before=killed)
    shop.web.start()
    load.try_again()
    assert missing(load.acknowledged) == []


def test_acknowledged_order_that_does_not_exist_would_be_found_missing(shop: Shop) -> None:
    with buying(shop, people=1) as load:
        until(lambda: load.acknowledged)
    assert missing([*load.acknowledged, 10**9]) == [10**9]


def test_worker_told_to_stop_finishes_what_it_began(shop: Shop) -> None:
    """The platform is so slow that under this load there is always something to send."""
    shop.platform.fail(delay=0.3)
    with buying(shop) as load:
        for _ in range(ROUNDS):
            sold = len(load.acknowledged)
            until(lambda sold=sold: len(load.acknowledged) > sold + 100)
            assert shop.worker.stop() == 0  # it is killed where it takes longer than its soft shutdown grants
            shop.worker.start()
    shop.platform.fail()
    shop.deliver_all()
    assert set(OrderEvent.objects.values_list("attempts", flat=True)) == {1}
