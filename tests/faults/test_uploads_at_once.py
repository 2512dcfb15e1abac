"""Files that take as long as the limits allow delay only each other."""

from concurrent.futures import ThreadPoolExecutor

from tests.kit import processes
from tests.kit.client import Client
from tests.kit.operator import Operator
from tests.kit.processes import until
from tests.kit.workbooks import NAMES, with_sheet, with_strings

UPLOADS = 32  # as many as one web process has threads
BUSY = "다른 파일을 읽고 있어요"
# Some kilobytes that take seconds.
SLOW = with_strings(f"<si>{'<t>a</t>' * 4_000_000}</si>", sound=with_sheet(NAMES))


def test_uploads_of_32_slow_files_at_once_delay_no_other_request(transactional_db, logs):
    with (
        processes.web(log=logs / "web.log", WEB_CONCURRENCY="1") as url,
        ThreadPoolExecutor(UPLOADS) as pool,
    ):
        shop = Client(url)
        operator = Operator(shop).with_session()
        tab = operator.open("/admin/products/product/import/")
        uploads = [pool.submit(operator.upload, tab, SLOW) for _ in range(UPLOADS)]
        until(lambda: any(each.done() for each in uploads))
        assert shop.get("/livez").status == 200
        assert shop.get("products").status == 200
        # Nothing but refusals was done by then: no file had to be, for a thread to be free.
        assert all(BUSY in each.result().body.decode() for each in uploads if each.done())
        answers = [each.result() for each in uploads]
    assert {each.status for each in answers} == {200}
    # All that had no place, and of those that waited for one, maybe all.
    assert sum(BUSY in each.body.decode() for each in answers) in range(26, 31)
