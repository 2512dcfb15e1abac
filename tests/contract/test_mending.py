"""Rows written before the database refused their values: what `migrate` says, and how they are mended."""

import re
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from coupons.factories import CouponFactory
from coupons.services import issue
from points.services import charge
from tests.kit.database import execute
from tests.kit.processes import ROOT
from users.factories import UserFactory

BEFORE, ADDED = "0006_index_only_charges_that_have_a_key", "0007_pointtransaction_within_calendar"
FOUND = "SELECT count(*) FROM points_pointtransaction WHERE NOT isfinite(created_at)"
PAGE = (ROOT / "docs" / "operations.md").read_text()


def migrate(*target: str, app: str = "points") -> None:
    call_command("migrate", app, *target, verbosity=0)


@pytest.fixture
def old_tables(transactional_db) -> Iterator[None]:
    """As they were before; afterwards as they are."""
    migrate(BEFORE)
    yield
    migrate()


def documented(first: str = "ALTER TABLE points_pointtransaction") -> list[str]:
    """The statements of one transaction, by the first; by default, what lifts the ledger's refusal."""
    (block,) = re.findall(rf"```sql\n(BEGIN;\n{first}.*?)```", PAGE, re.DOTALL)
    return [line for line in block.splitlines() if line]


def test_migrate_names_the_constraint_and_goes_on_once_the_rows_are_mended(old_tables) -> None:
    charge(user_id=UserFactory().pk, amount=1)
    switch = "ALTER TABLE points_pointtransaction {} TRIGGER ledger_append_only"
    execute(switch.format("DISABLE"))
    execute("UPDATE points_pointtransaction SET created_at = 'infinity'")
    execute(switch.format("ENABLE"))
    with pytest.raises(CommandError, match=r"ledger_created_at_within_calendar.* violated by some row"):
        migrate()
    for statement in documented():
        execute(re.sub("id = 1;", "NOT isfinite(created_at);", statement))
    assert execute(FOUND) == [(0,)]
    migrate()
    with pytest.raises(IntegrityError, match="append-only"):
        execute("UPDATE points_pointtransaction SET created_at = now()")


def test_new_rows_are_refused_from_the_first_step_on(old_tables) -> None:
    migrate(ADDED)
    user = UserFactory()
    with pytest.raises(IntegrityError, match="ledger_created_at_within_calendar"):
        execute(
            "INSERT INTO points_pointtransaction (user_id, type, amount, balance_after, created_at)"
            " VALUES (%s, 'charge', 1, 1, 'infinity')",
            user.pk,
        )


@pytest.fixture
def old_coupons(transactional_db) -> Iterator[None]:
    migrate("0008_say_maximum_discount", app="coupons")
    yield
    migrate(app="coupons")


def test_row_with_the_id_0_gets_another_together_with_what_refers_to_it(old_coupons) -> None:
    issue(user_id=UserFactory().pk, coupon_id=CouponFactory(pk=0).pk)
    with pytest.raises(CommandError, match=r"coupon_id_positive.* violated by some row"):
        migrate(app="coupons")
    for statement in documented("UPDATE coupons_coupon"):
        execute(statement)
    migrate(app="coupons")
    assert execute("SELECT coupon_id > 0 FROM coupons_issuedcoupon") == [(True,)]
