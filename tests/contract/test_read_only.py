"""A database that refuses writes while the shop runs: 503, and no restart once it takes them again."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from structlog.testing import capture_logs

from core.db.transactions import put_off
from coupons.factories import CouponFactory
from orders.tasks import deliver_order_events
from products.factories import ProductFactory
from rankings.tasks import recompute_rankings
from tests.kit import processes
from tests.kit.client import Client, assert_unavailable
from tests.kit.database import contents, execute
from tests.kit.operator import Operator
from tests.kit.processes import until
from tests.kit.scenes import at_once, buyer, hold_coupon


def end_sessions() -> None:
    """All but ours: the next ones begin with what is set for the database."""
    execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


@contextmanager
def reading_only() -> Iterator[None]:
    """The shop's sessions refuse writes inside the block, this test's does not; afterwards they go on."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    execute("SELECT 1")
    execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        end_sessions()
        yield
    finally:
        execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


@contextmanager
def this_session_reading_only() -> Iterator[None]:
    """As a session finds itself that was opened then: until it is closed."""
    execute("SET default_transaction_read_only = on")
    try:
        yield
    finally:
        connection.close()


def test_writes_are_unavailable_and_served_again_without_a_restart(http: Client) -> None:
    user, product, campaign = buyer(http), ProductFactory(price=10), CouponFactory()
    writes = [
        lambda: http.charge(user, 1, key="a-charge"),
        lambda: http.order(user, {product.pk: 1}, key="an-order"),
        lambda: http.post(f"coupons/{campaign.pk}/issue", user=user),
    ]
    before = contents()
    with reading_only():
        for write in writes:
            assert_unavailable(write())
        assert_unavailable(http.get("/readyz"))
        assert http.get("/livez").status == 200
    assert contents() == before
    until(lambda: http.get("/readyz").status == 200)
    for write in writes:
        until(lambda write=write: write().status == 201)


def test_sessions_that_began_meanwhile_serve_no_write_afterwards(http: Client) -> None:
    user = buyer(http)
    with reading_only():
        assert {each.status for each in at_once([lambda: http.get("products")] * 32)} == {200}
    assert {each.status for each in at_once([lambda: http.charge(user, 1)] * 32)} == {201}


def test_reads_go_on_and_repeats_wait_for_a_server_that_writes(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=10)
    coupon = hold_coupon(http, user)
    first = http.order(user, {product.pk: 1}, key="k")
    paths = ("points", "points/transactions", "orders", "issued-coupons", f"issued-coupons/{coupon['id']}")
    public = ("products", f"products/{product.pk}", "coupons", "rankings/products")
    with reading_only():
        assert {path: http.get(path, user=user).status for path in paths} == dict.fromkeys(paths, 200)
        assert {path: http.get(path).status for path in public} == dict.fromkeys(public, 200)
        basket = {"items": [{"product_id": product.pk, "quantity": 1}]}
        assert http.post("orders/quote", basket, user=user).status == 200
        # It may be a former primary, whose successor never had the order.
        assert_unavailable(http.order(user, {product.pk: 1}, key="k"))
        metrics = http.get("/metrics").body
        assert b"shop_database_up 0.0" in metrics
        assert b"shop_events_pending 1.0" in metrics
    assert http.order(user, {product.pk: 1}, key="k").json == first.json


def test_admin_on_a_read_only_database_shows_a_page_and_saves_nothing(http: Client) -> None:
    operator = Operator(http).with_session()
    product = ProductFactory()
    tab = operator.open(f"/admin/products/product/{product.pk}/change/")
    with reading_only():
        operator.open("/admin/")
        told = operator.send(tab, name="새 이름")
        assert (told.status, told.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert int(told.headers["Retry-After"]) >= 1
        assert "지금은 처리할 수 없어요" in told.body.decode()
    product.refresh_from_db()
    assert product.name != "새 이름"


@pytest.mark.django_db(transaction=True)
def test_sign_in_is_refused_in_words(client) -> None:
    get_user_model().objects.create_superuser("otto", password="a password of theirs")
    with this_session_reading_only():
        answer = client.post("/admin/login/", {"username": "otto", "password": "a password of theirs"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("task", [deliver_order_events, recompute_rankings], ids=lambda task: task.name)
def test_task_is_postponed_with_one_warning_and_its_connection_closed(settings, task) -> None:
    settings.DATA_PLATFORM_URL = "http://127.0.0.1:9/events"
    with this_session_reading_only():
        with capture_logs() as said:
            task()
        assert connection.connection is None
    assert [(line["log_level"], "read-only transaction" in line["error"]) for line in said] == [
        ("warning", True)
    ]


@pytest.mark.django_db(transaction=True)
def test_bug_in_a_task_is_not_postponed() -> None:
    with pytest.raises(DatabaseError), put_off("never"):
        execute("SELECT nothing")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["redeliver_events", "--state", "dead"], 75),
        (["recompute_rankings"], 75),
        (["clearsessions"], 75),  # Django's own
        (["seed_demo", "--users", "1"], 75),
        (["audit"], 0),
        (["redeliver_events", "--state", "dead", "--dry-run"], 0),
    ],
    ids=str,
)
def test_command_on_a_read_only_database_ends_without_a_traceback(command, code) -> None:
    options = "%20-c%20default_transaction_read_only=on"
    done = run(command, options=options)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert ("read-only transaction" in done.stderr) == bool(code)


def test_command_without_a_database_fails_with_one_line(db) -> None:
    nobody = f"postgresql://postgres@127.0.0.1:{processes.free_port()}/shop"
    done = run(["audit"], DATABASE_URL=nobody)
    assert (done.returncode, "Traceback" in done.stderr) == (75, False)
    assert len(done.stderr.splitlines()) == 1


def run(command, *, options="", **env) -> "subprocess.CompletedProcess[str]":
    given = processes.environment(**env)
    if options:
        given["DATABASE_URL"] += f"&options=-c%20statement_timeout=0{options}"
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=processes.ROOT,
        env=given,
        text=True,
        capture_output=True,
        check=False,
    )
