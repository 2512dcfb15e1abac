"""A process says that it lives, whatever its threads wait for."""

from concurrent.futures import ThreadPoolExecutor

from django.db import transaction

from tests.kit import processes
from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.processes import until
from tests.kit.scenes import at_once

THREADS = 32  # of one web process
REQUESTS = THREADS + 8
WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'products_product'::regclass"


def test_liveness_succeeds_while_all_threads_wait_for_the_database(transactional_db, logs):
    with (
        processes.web(log=logs / "web.log", WEB_CONCURRENCY="1") as url,
        ThreadPoolExecutor(REQUESTS) as pool,
    ):
        shop = Client(url)
        at_once([lambda: shop.get("products")] * REQUESTS)  # each thread is connected now
        with transaction.atomic():
            execute("LOCK TABLE products_product IN ACCESS EXCLUSIVE MODE")
            waiting = [pool.submit(shop.get, "products") for _ in range(REQUESTS)]
            until(lambda: len(execute(WAITING)) == THREADS)
            assert shop.get("/livez").status == 200
            assert not any(each.done() for each in waiting)
