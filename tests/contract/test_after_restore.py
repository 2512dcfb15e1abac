"""manage.py after_restore reads out of the platform's file what a restored database has forgotten."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

import backoffice.after_restore
import orders.platform_file
from core.db import restore, sql
from core.db.audit import audit
from core.db.restore import Unsafe, move_past, numberings
from orders.models import Order, OrderEvent
from orders.services import Basket, checkout
from points.services import charge
from products.factories import ProductFactory
from products.models import Product
from tests.kit.database import broken, execute
from tests.kit.events import body
from users.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def events() -> list[dict[str, Any]]:
    """The events of three orders, all delivered."""
    user, product = UserFactory(), ProductFactory()
    charge(user_id=user.pk, amount=1_000_000)
    for _ in range(3):
        checkout(basket=Basket(user.pk, {product.pk: 1}))
    OrderEvent.objects.update(state="delivered", delivered_at=timezone.now())
    return [json.loads(body(event)) for event in OrderEvent.objects.order_by("order_id")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def check(file: Path, events: list[dict[str, Any]], **options: Any) -> str:
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    out = StringIO()
    call_command("after_restore", check=True, events=file, stdout=out, **options)
    return out.getvalue()


def unknown(event: dict[str, Any], **data: Any) -> dict[str, Any]:
    """The same event under an id that no row has."""
    return {**event, "id": "00000000-0000-7000-8000-000000000000", "data": {**event["data"], **data}}


def test_shop_that_forgot_nothing_is_told_so(file, events):
    assert check(file, [*events, events[0]]) == "0 orders are known to the platform alone\n"


def test_after_restore_reports_and_writes_forgotten_orders_and_the_audit_skips_them(file, events, tmp_path):
    forgotten = unknown(events[0], order_id=0)
    kept = tmp_path / "forgotten.jsonl"
    assert f"order 0 of user {events[0]['data']['user_id']}, " in check(
        file, [forgotten, *events, forgotten], forgotten=kept
    )
    assert [json.loads(line) for line in kept.read_text().splitlines()] == [forgotten]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [found for found in audit(events=file, forgotten=kept) if found.violations] == []
    assert [found.rule for found in audit(events=file) if found.violations] == ["delivered_equals_received"]
    with pytest.raises(CommandError, match="exists"):
        check(file, events, forgotten=kept)


@pytest.mark.parametrize(
    ("data", "sequence"),
    [
        ({"order_id": 10**9}, "orders_order_id_seq"),
        ({"user_id": 10**9}, "users_user_id_seq"),
        ({"items": [{"product_id": 10**9}]}, "products_product_id_seq"),
        ({"coupon_id": 10**9, "issued_coupon_id": 1}, "coupons_coupon_id_seq"),
        ({"coupon_id": 1, "issued_coupon_id": 10**9}, "coupons_issuedcoupon_id_seq"),
    ],
)
def test_number_that_only_the_platform_knows_is_found(file, events, data, sequence):
    with pytest.raises(CommandError, match=f"{sequence}: [0-9]+ here, {10**9} at the platform"):
        check(file, [*events, unknown(events[0], **data)])


def test_number_that_was_given_out_twice_is_found(file, events):
    with pytest.raises(CommandError, match=f"order {events[0]['subject']}: event {events[0]['id']} here"):
        check(file, [*events, unknown(events[0])])


def test_file_that_lacks_a_delivered_event_is_refused(file, events):
    with pytest.raises(CommandError, match="lacks 1 events that were delivered"):
        check(file, events[:-1])
    with pytest.raises(CommandError, match="lacks 3 events that were delivered"):
        check(file, [])


def test_file_that_begins_later_is_taken(file, events):
    assert check(file, events[1:]) == "0 orders are known to the platform alone\n"


@pytest.mark.parametrize(
    "wrong",
    [
        *({"id": "7"}, {"id": 123}, {"data": {}}, {"data": None}, {"data": {"order_id": float("inf")}}),
        *({"time": "yesterday"}, {"time": "0001-01-01T00:00:00+09:00"}, {"time": "2026-01-01T00:00:00"}),
    ],
    ids=str,
)
def test_line_that_is_no_event_is_refused(file, events, wrong):
    with pytest.raises(CommandError, match=r"line 4 of .* is no event of an order") as refused:
        check(file, [*events, {**events[0], **wrong}])
    assert refused.value.returncode == 2


@pytest.mark.parametrize("line", ["", "7", "[]", "[" * 100_000, '"\udcff"'], ids=lambda line: line[:3])
def test_line_that_is_no_object_is_refused(file, line):
    file.write_text(f"{line}\n", errors="surrogateescape")
    with pytest.raises(CommandError, match=r"line 1 of .* is no event of an order"):
        call_command("after_restore", check=True, events=file)


def test_line_longer_than_any_event_is_not_read_into_memory(file, events, monkeypatch):
    monkeypatch.setattr(orders.platform_file, "MAX_LINE_BYTES", 100)
    with pytest.raises(CommandError, match=r"line 1 of .* is no event of an order"):
        check(file, events)


def test_forgotten_event_with_half_a_surrogate_is_written_as_it_came(file, events, tmp_path):
    forgotten = unknown(events[0], order_id=0, note="\ud800")
    check(file, [*events, forgotten], forgotten=tmp_path / "forgotten.jsonl")
    assert json.loads((tmp_path / "forgotten.jsonl").read_text()) == forgotten


def test_event_without_its_total_is_refused(file, events):
    incomplete = unknown(events[0], order_id=0)
    del incomplete["data"]["total"]
    with pytest.raises(CommandError, match=r"line 4 of .* is no event of an order"):
        check(file, [*events, incomplete])


def test_event_of_another_type_is_passed_over(file, events):
    other = {"id": "7", "type": "member.left.v1"}
    assert check(file, [other, *events]) == "0 orders are known to the platform alone\n"


def test_after_restore_moves_every_sequence_past_the_known_ids(events):
    before = {each.sequence: each.last for each in numberings()}
    known = before["orders_order_id_seq"] + 10
    moved = {each.sequence: number for each, number in move_past(highest_ids={Order: known}, margin=3)}
    assert moved == {name: last + 3 for name, last in before.items()} | {"orders_order_id_seq": known + 3}
    assert {each.sequence: each.last for each in numberings()} == moved
    assert ProductFactory().pk == before["products_product_id_seq"] + 4
    everything = "SELECT count(*) FROM pg_sequences WHERE schemaname = current_schema()"
    migrations = 1
    assert execute(everything) == [(len(before) + migrations,)]


def test_after_restore_moves_nothing_if_one_sequence_would_overflow(events):
    before = list(numberings())
    with pytest.raises(Unsafe, match="products_product_id_seq ends at"):
        list(move_past(highest_ids={Product: 2**63 - 2}, margin=1))
    assert list(numberings()) == before


def test_negative_margin_is_refused(file):
    with pytest.raises(CommandError, match="margin"):
        call_command("after_restore", "--events", str(file), "--margin", "-1")


def test_another_session_is_a_reason_to_refuse():
    other = connection.copy()
    try:
        other.ensure_connection()
        with pytest.raises(Unsafe, match="other sessions use this database"):
            restore.require_alone()
    finally:
        other.close()


def test_another_roles_session_is_a_reason_to_refuse_without_the_right_to_see_what_it_is():
    other = connection.copy()
    try:
        other.ensure_connection()
        seen_by_all_rights = sql.one_row(sql.ALONE)
        with broken("CREATE ROLE sees_little; SET ROLE sees_little", "RESET ROLE; DROP ROLE sees_little"):
            assert sql.one_row(sql.ALONE) == seen_by_all_rights
            with pytest.raises(Unsafe, match="other sessions use this database"):
                restore.require_alone()
    finally:
        other.close()


def test_staff_are_signed_out(client):
    client.force_login(get_user_model().objects.create_superuser("staff"))
    assert Session.objects.exists()
    assert backoffice.after_restore.bring_up_to_date() == "1 sessions of staff ended"
    assert not Session.objects.exists()
