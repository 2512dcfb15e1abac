"""PostgreSQL stopped at once, as by `pg_ctl -m immediate`."""

import time

from kombu import Connection

from config.celery import app
from config.services import celery_broker, redis_url
from tests.faults.load import buying, missing
from tests.kit.processes import until
from tests.kit.shop import LEASE_AND_SWEEP_SECONDS, Shop

ROUNDS = 3
BACK_SECONDS = 5


def test_restart_under_load_costs_only_503s_and_no_acknowledged_order(shop: Shop) -> None:
    with buying(shop) as load:
        for _ in range(ROUNDS):
            sold, refused = len(load.acknowledged), len(load.refusals)
            until(lambda sold=sold: len(load.acknowledged) > sold + 50)
            shop.servers.crash_postgres()
            until(lambda refused=refused: len(load.refusals) > refused + 50)
            shop.servers.start()
            back = time.monotonic()
            until(lambda back=back: load.everybody_bought_since(back), seconds=BACK_SECONDS)
    assert {(each.status, each.code) for each in load.refusals} == {(503, "unavailable")}
    assert all(int(each.headers["Retry-After"]) >= 1 for each in load.refusals)
    assert load.unanswered() == []
    assert missing(load.acknowledged) == []
    load.try_again()
    assert len(set(load.acknowledged)) == len(load.purchases)
    shop.deliver_all(seconds=LEASE_AND_SWEEP_SECONDS)


def test_shop_without_a_database_is_alive_and_not_ready(shop: Shop) -> None:
    shop.servers.crash_postgres()
    assert shop.http.get("/livez").status == 200
    for path in ("/readyz", "/api/v1/products"):
        refusal = shop.http.get(path)
        assert (refusal.status, refusal.code) == (503, "unavailable")
        assert int(refusal.headers["Retry-After"]) >= 1
    shop.servers.start()
    until(lambda: shop.answers("/readyz"), seconds=BACK_SECONDS)


def test_worker_without_a_database_says_so_in_a_line(shop: Shop) -> None:
    before = len(shop.worker.log.read_bytes())

    def said() -> bytes:
        return shop.worker.log.read_bytes()[before:]

    shop.servers.crash_postgres()
    url = redis_url("REDIS_URL", shop.servers.embedded.redis_url())
    with Connection(celery_broker(url, transport_options={})["url"]) as broker:
        for task in ("rankings.advance", "rankings.recompute"):
            app.send_task(task, connection=broker)
    until(lambda: said().count(b"sweep_put_off") >= 3 and said().count(b"ranking_put_off") >= 2)
    assert b"Traceback" not in said()
    shop.servers.start()
    until(lambda: shop.answers("/readyz"), seconds=BACK_SECONDS)
