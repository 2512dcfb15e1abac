"""benchmarks/history.py makes what checkout would have left behind."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

import orders.audit
from benchmarks.history import SQL, History, NotEmpty, fill
from orders.models import OrderEvent
from tests.kit.database import contents, empty_tables, execute
from tests.kit.invariants import broken_rules
from users.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

LAST_MAY = datetime(2026, 5, 31, 12, tzinfo=UTC)


def make(**more) -> None:
    fill(History(**{"orders": 500, "users": 40, "products": 30, "days": 20, "until": timezone.now(), **more}))


def assert_clean(**options) -> None:
    out = StringIO()
    call_command("audit", stdout=out, **options)
    assert broken_rules() == []


@pytest.mark.parametrize("days", [1, 20])
def test_history_has_every_order_and_nothing_wrong_in_it(days: int) -> None:
    make(days=days, until=timezone.now())
    assert execute("SELECT count(*), count(DISTINCT id), max(id) FROM orders_order") == [(500, 500, 500)]
    assert_clean()


def check_foreign_keys() -> None:
    """Have PostgreSQL look every one of them up, as it does for a constraint that comes into force."""
    with transaction.atomic():
        for table, name in execute(
            "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'f'"
        ):
            execute(f'ALTER TABLE {table} ALTER CONSTRAINT "{name}" NOT ENFORCED')
            execute(f'ALTER TABLE {table} ALTER CONSTRAINT "{name}" ENFORCED')
        transaction.set_rollback(True)


def test_foreign_keys_all_refer_to_a_row() -> None:
    """The load switches their triggers off. That the check can fail is shown by an order without its user."""
    make()
    check_foreign_keys()
    with transaction.atomic():
        execute("SET LOCAL session_replication_role = replica")
        execute("DELETE FROM users_user WHERE id = (SELECT min(user_id) FROM orders_order)")
    with pytest.raises(IntegrityError, match="violates foreign key"):
        check_foreign_keys()


def test_orders_spread_over_the_days_with_their_share_in_the_last_three_and_end_now() -> None:
    make(orders=2000, recent_share=0.4, until=LAST_MAY)
    ((first, last, recent),) = execute(
        "SELECT min(ordered_at), max(ordered_at), count(*) FILTER (WHERE ordered_at > %s) FROM orders_order",
        LAST_MAY - timedelta(days=3),
    )
    assert LAST_MAY - timedelta(days=20) <= first < last <= LAST_MAY
    assert last > LAST_MAY - timedelta(hours=1)
    assert recent == 800


def test_newest_events_are_pending_and_the_others_delivered() -> None:
    make(pending=7)
    newest = OrderEvent.objects.order_by("-order_id").values_list("state", flat=True)
    assert list(newest) == ["pending"] * 7 + ["delivered"] * 493


def test_same_options_make_the_same_rows_and_another_seed_makes_others() -> None:
    made = []
    for seed in (1, 1, 2):
        make(seed=seed, until=LAST_MAY)
        made.append(contents())
        empty_tables()
    assert made[0] == made[1] != made[2]


def test_shop_that_has_rows_is_left_alone() -> None:
    UserFactory()
    before = contents()
    with pytest.raises(NotEmpty, match="users_user"):
        make()
    assert contents() == before


def test_next_rows_get_ids_of_their_own() -> None:
    make()
    assert UserFactory().pk == 41


def test_events_that_a_platform_received_are_compared_in_any_order_and_number(tmp_path: Path) -> None:
    """Events come at least once, in any order; here one twice, one not at all, and one that is not ours."""
    make()
    file = tmp_path / "taken.jsonl"
    with connection.cursor() as cursor, cursor.copy((SQL / "taken.sql").read_text()) as blocks:
        taken = b"".join(blocks).splitlines(keepends=True)
    file.write_bytes(b"".join([*taken, taken[0]]))
    assert_clean(events=file)
    stranger = "00000000-0000-4000-8000-000000000000"
    file.write_bytes(b"".join(taken[1:]) + json.dumps({"id": stranger}).encode())
    missing = json.loads(taken[0])["id"]
    assert sorted(orders.audit.rules_of_file(file)[0].violations()) == sorted(
        [f"event {stranger}: received but never written", f"event {missing}: delivered but not received"]
    )
