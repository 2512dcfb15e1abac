"""The checks of a run report each kind of loss: the tests plant one each."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from coupons.factories import CouponFactory
from orders.models import OrderEvent
from orders.outbox.events import mark_delivered
from products.factories import ProductFactory
from tests.chaos.checks import all_findings, unexplained
from tests.chaos.faults import Happened
from tests.kit.client import Answer, Client
from tests.kit.database import execute
from tests.kit.events import body
from tests.kit.journal import DONE, REFUSED, UNKNOWN, Journal, Request
from users.factories import UserFactory

WRITES = "acknowledged_writes_equal_rows"
BALANCES = "balance_equals_acknowledged"
STOCK = "rows_add_up"
EVENTS = "delivered_equals_received"
AUDIT = "audit_is_clean"
UNEXPLAINED = "only_faults_reach_clients"
ANSWERS = "answers_fit_contract"
TIMES = "answers_come_in_time"


@dataclass
class Past:
    """A member who charged, took a coupon, bought with it, and was refused; all of it on record."""

    http: Client
    journal: Journal
    taken: Path
    log: Path
    user: int
    product: int
    coupon: int
    price: int = 1_000

    def request(self, operation: str, path: str, body: Any = None, *, key: str) -> Request:
        return Request(operation, path, self.user, body, key)

    def order(self, key: str, quantity: int, **more: Any) -> Request:
        items = [{"product_id": self.product, "quantity": quantity}]
        return self.request("order", "orders", {"items": items, **more}, key=key)

    def ask(self, request: Request) -> str:
        return self.journal.ask(self.http, request, client="client").outcome

    def told(self, request: Request, status: int, body: Any, **headers: str) -> str:
        """Record an answer that the shop did not give."""
        answer = Answer(
            status, {"Content-Type": "application/problem+json", **headers}, json.dumps(body).encode()
        )
        return self.journal.record(request, answer, at=self.journal.now(), client="client").outcome

    def deliver(self) -> None:
        """Deliver the event as a worker does."""
        for event in OrderEvent.objects.filter(state="pending"):
            with self.taken.open("ab") as file:
                file.write(body(event) + b"\n")
            mark_delivered(event_ids=[event.pk])

    def findings(self) -> dict[str, list[str]]:
        """The checks that found something."""
        found = all_findings(
            journal=self.journal,
            happened=[],
            longest_answer=8.0,
            stocked={self.product: 10},
            prices={self.product: {self.price}},
            taken=self.taken,
            platform_log=self.log,
        )
        return {name: findings for name, findings in found.items() if findings}


@pytest.fixture
def past(http: Client, tmp_path: Path) -> Past:
    taken, log = tmp_path / "events.jsonl", tmp_path / "receiver.log"
    taken.touch()
    log.touch()
    product, coupon = ProductFactory(price=1_000, stock=10), CouponFactory()
    user = UserFactory()
    past = Past(http, Journal(tmp_path / "log"), taken, log, user.pk, product.pk, coupon.pk)
    assert past.ask(past.request("charge", "points/charges", {"amount": 5_000}, key="charge")) == DONE
    assert past.ask(past.request("issue", f"coupons/{coupon.pk}/issue", key=f"coupon-{coupon.pk}")) == DONE
    held = execute("SELECT id FROM coupons_issuedcoupon")[0][0]
    assert past.ask(past.order("bought", 2, issued_coupon_id=held)) == DONE
    assert past.ask(past.order("bought", 2, issued_coupon_id=held)) == DONE
    assert past.ask(past.order("too-many", 11)) == REFUSED
    past.deliver()
    yield past
    past.journal.close()


def test_clean_history_is_not_reported(past: Past) -> None:
    assert past.findings() == {}


def add_points(past: Past) -> None:
    execute("UPDATE points_pointaccount SET balance = balance + 1")


def charge_behind_our_back(past: Past) -> None:
    past.http.charge(past.user, 1, key="of-nobody")


def acknowledge_an_order_that_is_missing(past: Past) -> None:
    (bought,) = past.journal.acknowledged("order")
    past.told(past.order("lost", 2), 201, bought.told | {"id": 10**9})


def acknowledge_another_total(past: Past) -> None:
    (bought,) = past.journal.acknowledged("order")
    bought.told = bought.told | {"total": bought.told["total"] + 1}


def acknowledge_a_charge_that_is_missing(past: Past) -> None:
    past.told(
        past.request("charge", "points/charges", {"amount": 1}, key="lost"),
        201,
        {"id": 1, "amount": 1, "balance_after": 1},
    )


def acknowledge_a_coupon_that_is_missing(past: Past) -> None:
    past.told(past.request("issue", "coupons/0/issue", key="coupon-0"), 201, {"id": 1, "sequence": 1})


def carry_out_what_was_refused(past: Past) -> None:
    assert past.ask(past.order("too-dear", 5)) == REFUSED
    assert past.ask(past.request("charge", "points/charges", {"amount": 9_000}, key="more")) == DONE
    assert past.http.order(past.user, {past.product: 5}, key="too-dear").status == 201
    past.deliver()


def carry_out_what_was_busy(past: Past) -> None:
    past.told(past.order("busy", 1), 503, problem("busy", 503), **{"Retry-After": "1", "X-Request-Id": "x"})
    assert past.http.order(past.user, {past.product: 1}, key="busy").status == 201
    past.deliver()


def charge_behind_our_back_without_a_key(past: Past) -> None:
    past.http.charge(past.user, 1)


def issue_behind_our_back(past: Past) -> None:
    past.http.post(f"coupons/{CouponFactory().pk}/issue", user=past.user)


def lose_an_event(past: Past) -> None:
    past.taken.write_text("")


def leave_an_event(past: Past) -> None:
    execute("UPDATE orders_orderevent SET state = 'pending', delivered_at = NULL")


def deliver_an_event_of_nothing(past: Past) -> None:
    event = json.loads(past.taken.read_text())
    past.taken.write_text(past.taken.read_text() + json.dumps({**event, "id": "another"}) + "\n")


def report_another_total(past: Past) -> None:
    event = json.loads(past.taken.read_text())
    event["data"]["total"] += 1
    past.taken.write_text(json.dumps(event) + "\n")


def deliver_other_bytes(past: Past) -> None:
    lines = [
        {"event": "event_received", "event_id": "a", "sha256": "1"},
        {"event": "event_known", "event_id": "a", "sha256": "2"},
    ]
    past.log.write_text("".join(json.dumps(line) + "\n" for line in lines))


def add_stock(past: Past) -> None:
    execute("UPDATE products_product SET stock = stock + 1")


def charge_a_price_nobody_asked(past: Past) -> None:
    past.price = 999


def leave_a_write_in_doubt(past: Past) -> None:
    past.journal.record(past.order("whatever", 1), None, at=0, client="client", failure="TimeoutError")


@pytest.mark.parametrize(
    ("plant", "reported_by"),
    [
        (acknowledge_an_order_that_is_missing, {WRITES, BALANCES, EVENTS}),
        (acknowledge_another_total, {WRITES, BALANCES, EVENTS}),
        (acknowledge_a_charge_that_is_missing, {WRITES, BALANCES}),
        (acknowledge_a_coupon_that_is_missing, {WRITES}),
        (carry_out_what_was_refused, {WRITES, BALANCES}),
        (carry_out_what_was_busy, {WRITES, BALANCES, UNEXPLAINED}),
        (charge_behind_our_back, {WRITES, BALANCES}),
        (charge_behind_our_back_without_a_key, {WRITES, BALANCES}),
        (issue_behind_our_back, {WRITES}),
        (add_points, {BALANCES, STOCK, AUDIT}),
        (add_stock, {STOCK}),
        (lose_an_event, {EVENTS, AUDIT}),
        (leave_an_event, {EVENTS}),
        (deliver_an_event_of_nothing, {EVENTS, AUDIT}),
        (report_another_total, {EVENTS}),
        (deliver_other_bytes, {"repeated_events_are_equal"}),
        (charge_a_price_nobody_asked, {"prices_were_asked"}),
        (
            leave_a_write_in_doubt,
            {"unknowns_are_resolved", UNEXPLAINED},
        ),
    ],
)
def test_planted_faults_are_reported(
    past: Past, plant: Callable[[Past], None], reported_by: set[str]
) -> None:
    plant(past)
    assert set(past.findings()) == reported_by


def problem(code: str, status: int) -> dict[str, Any]:
    texts = {"title": "t", "detail": "d", "request_id": "x"}
    return {"type": f"/problems/{code}", "status": status, "code": code, **texts}


@pytest.mark.parametrize(
    ("status", "code", "retry_after", "outcome", "complains"),
    [
        (409, "out_of_stock", None, REFUSED, 0),
        (404, "not_found", None, REFUSED, 1),
        (503, "busy", "1", REFUSED, 0),
        (503, "unavailable", "2", UNKNOWN, 0),
        (503, "busy", None, REFUSED, 1),
        (500, "internal", None, UNKNOWN, 1),
    ],
)
def test_answer_is_judged_by_the_contract(
    past: Past, status: int, code: str, retry_after: str | None, outcome: str, complains: int
) -> None:
    headers = {"X-Request-Id": "x", **({"Retry-After": retry_after} if retry_after else {})}
    assert past.told(past.order("k", 1), status, problem(code, status), **headers) == outcome
    assert len(past.journal.complaints) == complains


def test_error_that_is_no_problem_is_reported(past: Past) -> None:
    assert past.told(past.order("k", 1), 502, {"message": "sorry"}) == UNKNOWN
    assert set(past.findings()) >= {ANSWERS}


def test_key_acknowledged_twice_with_other_words_is_reported(past: Past) -> None:
    (bought,) = past.journal.acknowledged("order")
    past.told(bought.request, 201, bought.told | {"id": 0}, **{"Idempotent-Replayed": "true"})
    assert set(past.findings()) == {ANSWERS}


def test_second_order_in_place_of_a_replay_is_reported(past: Past) -> None:
    (bought,) = past.journal.acknowledged("order")
    past.told(bought.request, 201, bought.told)
    assert set(past.findings()) == {ANSWERS}


def test_issue_in_doubt_is_resolved_by_the_refusal_that_names_it(past: Past) -> None:
    coupon_id = CouponFactory().pk
    request = past.request("issue", f"coupons/{coupon_id}/issue", key=f"coupon-{coupon_id}")
    past.journal.record(request, None, at=0, client="client", failure="ProtocolError")
    past.http.post(request.path, user=past.user)
    assert past.ask(request) == REFUSED
    past.journal.write(request).settled = True
    assert past.journal.write(request).fate == "had been carried out"
    assert set(past.findings()) == {UNEXPLAINED}


@pytest.mark.parametrize(
    ("kind", "unexplained_by_it"),
    [("web killed", 0), ("postgres frozen", 0), ("everything killed", 0), ("redis frozen", 1)],
)
def test_failure_is_explained_by_a_fault_of_web_or_database_alone(
    past: Past, kind: str, unexplained_by_it: int
) -> None:
    leave_a_write_in_doubt(past)
    attempt = past.journal.attempts[-1]
    during = Happened(kind, 0, began=0, mending=attempt.seconds, ended=attempt.seconds)
    long_after = Happened(kind, 0, began=attempt.seconds + 9, mending=99, ended=99)
    assert len(list(unexplained([attempt], [during]))) == unexplained_by_it
    assert list(unexplained([attempt], [long_after]))


def test_answer_later_than_promised_is_reported(past: Past) -> None:
    past.journal.attempts.append(replace(past.journal.attempts[-1], seconds=8.1))
    assert set(past.findings()) == {TIMES}
