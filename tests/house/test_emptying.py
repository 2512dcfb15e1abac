"""What a test leaves behind: empty tables, and the rows that Django writes when it migrates."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.test import Client
from django.utils import timezone

from backoffice.refusals.models import Refusal
from backoffice.spreadsheets.models import Upload
from products.models import Product
from rankings.hours import fill_hours
from rankings.models import ProductSales
from rankings.services import recompute
from tests.kit import database
from tests.kit.database import KEPT, empty_tables, execute

OWN_REFUSAL = "POST /of-this-test"
REFUSALS = Refusal._meta.db_table
WRITTEN_BY_MIGRATE = {*KEPT, "django_migrations"}


def filled_tables() -> dict[str, list[str]]:
    """The rows of every table of the database that has any, also of tables without a model.

    Without refusals that a web process of the tests before may write a second late.
    """
    names = [name for (name,) in execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    rows = {name: [row for (row,) in execute(f"SELECT t::text FROM {name} t ORDER BY 1")] for name in names}
    rows[REFUSALS] = [row for row in rows[REFUSALS] if OWN_REFUSAL in row]
    return {name: each for name, each in rows.items() if each}


@pytest.fixture
def filled(transactional_db) -> dict[str, list[str]]:
    """A shop that sold, and staff with a role, a permission, a session, an upload and a log entry."""
    call_command("seed_demo", verbosity=0)
    recompute(days=3)
    fill_hours()
    ProductSales.objects.create(product=Product.objects.first(), units=1, amount=1)
    account, role = User.objects.create_user("operator"), Group.objects.create(name="role")
    permission = Permission.objects.earliest("pk")
    role.permissions.add(permission)
    account.groups.add(role)
    account.user_permissions.add(permission)
    Client().force_login(account)
    Upload.objects.create(owner=account, content=b"")
    Refusal.objects.create(refused_at=timezone.now(), request=OWN_REFUSAL, status=409, code="x")
    LogEntry.objects.create(user=account, action_flag=1)
    return filled_tables()


@pytest.mark.parametrize("large", [0, 1_000_000], ids=["truncated", "deleted"])
def test_tables_are_all_emptied_but_for_what_migrate_wrote(filled, monkeypatch, large):
    ((tables,),) = execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    assert len(filled) == tables
    monkeypatch.setattr(database, "LARGE_BYTES", large)
    empty_tables()
    assert filled_tables() == {name: filled[name] for name in WRITTEN_BY_MIGRATE}


def test_migrate_would_write_the_same_rows(filled):
    empty_tables()
    before = filled_tables()
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert filled_tables() == before


def test_table_that_is_left_out_is_noticed(filled, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(database, "KEPT", {*KEPT, "orders_orderevent"})
        empty_tables()
    assert filled_tables().keys() == {*WRITTEN_BY_MIGRATE, "orders_orderevent"}
