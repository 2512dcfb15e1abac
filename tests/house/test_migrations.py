"""What a migration may do to the tables that orders go through, beside what django-migration-linter says.

A lock that it has got stays until its transaction ends, and every order waits for it.
"""

import re
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration

APPS = ("users", "products", "points", "coupons", "orders")
HOT = {model._meta.db_table for label in APPS for model in apps.get_app_config(label).get_models()}
# Validating a constraint, and CONCURRENTLY, let writes pass.
LOCKS = re.compile(
    r"^(?:ALTER TABLE (?!.*VALIDATE CONSTRAINT)|CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).* ON |LOCK TABLE )"
    r'"?(\w+)',
    re.MULTILINE,
)
CREATES = re.compile(r'^CREATE TABLE "(\w+)"', re.MULTILINE)
CHANGES_ROWS = re.compile(r"^(?:UPDATE|DELETE|INSERT|COPY)\b|^-- .*Raw Python", re.MULTILINE)
BOUND = "SET LOCAL lock_timeout"


@pytest.fixture
def loader(transactional_db: None) -> MigrationLoader:
    return MigrationLoader(connection)


def faults(migration: Migration, loader: MigrationLoader) -> Iterator[str]:
    """What is wrong with it, in words."""
    sql = "\n".join(loader.collect_sql([(migration, False)]))
    locked = ({*LOCKS.findall(sql)} & HOT) - {*CREATES.findall(sql)}
    if len(locked) > 1:
        yield f"locks {len(locked)} tables at once; one migration each"
    if locked and CHANGES_ROWS.search(sql):
        yield "changes rows while it locks a table; one migration each"
    if locked and not migration.atomic and BOUND not in sql:
        yield f"is no transaction and waits without a bound; {BOUND}, between BEGIN and COMMIT"


def test_migrations_of_hot_tables_lock_one_at_a_time_and_briefly(loader: MigrationLoader) -> None:
    found = {str(each): [*faults(each, loader)] for each in loader.disk_migrations.values()}
    assert {name: each for name, each in found.items() if each} == {}
    assert len(found) > 50


def column(model: str) -> migrations.AddField:
    return migrations.AddField(model, "extra", models.TextField(null=True))


@pytest.mark.parametrize(
    ("operations", "atomic", "fault"),
    [
        ([column("product"), migrations.RunPython(lambda *_: None)], True, "changes rows"),
        (
            [column("product"), migrations.RunSQL("UPDATE products_product SET extra = 'x'")],
            True,
            "changes rows",
        ),
        (
            [column("product"), migrations.RunSQL("ALTER TABLE orders_order SET (fillfactor = 90)")],
            True,
            "tables at once",
        ),
        ([column("product")], False, "without a bound"),
    ],
)
def test_migration_that_blocks_orders_is_reported(loader: MigrationLoader, operations, atomic, fault) -> None:
    """The negative control."""
    made = type("Migration", (Migration,), {"operations": operations, "atomic": atomic})("9999", "products")
    last, *_others = loader.graph.leaf_nodes("products")
    loader.graph.add_node(("products", "9999"), made)
    loader.graph.add_dependency(made, ("products", "9999"), last)
    assert fault in " ".join(faults(made, loader))
