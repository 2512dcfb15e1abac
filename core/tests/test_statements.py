"""Statements compiled once say what the plain ORM would, with values in place of parameters."""

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import AutoField, CharField, DateTimeField, F, Model, TextField, UUIDField
from django.utils.module_loading import module_has_submodule

from core.db.exchange import send
from core.db.pages import PageShape
from core.db.statements import ByHand, Insert, Statement, Update, insert, statement
from coupons.models import Status
from points.services import move
from products.factories import ProductFactory
from products.models import Product
from products.services import offers, take

MOMENT = datetime(2026, 11, 22, 3, 4, 5, 678_901, tzinfo=UTC)
SAMPLES: dict[Any, Any] = {
    int: 2**40 + 7,
    str: "값",
    bool: True,
    datetime: MOMENT,
    timedelta: timedelta(seconds=15),
    list[int]: [3, 2**40],
    list[UUID]: [UUID(int=7)],
    PageShape: PageShape(21, beyond=True, backward=True),
    Status: "usable",
}


def found() -> Iterator[tuple[str, "Statement[Any, Any]"]]:
    """Every statement of every app, but for those by hand in `sql.py`, which have tests of their own."""
    for app in apps.get_app_configs():
        for part in ("selectors", "services", "outbox.events"):
            if module_has_submodule(app.module, part) and app.path.startswith(str(settings.BASE_DIR)):
                for name, each in vars(importlib.import_module(f"{app.name}.{part}")).items():
                    if isinstance(each, Statement) and "ByHand" not in str(
                        each.build.__annotations__["return"]
                    ):
                        yield f"{app.label}.{name}", each


STATEMENTS = dict(found())


def sample(annotation: Any) -> Any:
    """A value for a parameter."""
    kinds = get_args(annotation) if get_origin(annotation) not in {list, None} else ()
    return SAMPLES[kinds[0] if kinds else annotation]


def columns_of(row: Model) -> dict[str, Any]:
    """A value for each column that an insert leaves to its caller."""
    kinds = {DateTimeField: datetime, CharField: str, TextField: str}
    left = [
        each
        for each in row._meta.concrete_fields
        if not isinstance(each, AutoField | UUIDField)
        and getattr(row, each.attname) == getattr(type(row)(), each.attname)
    ]
    return {each.attname: SAMPLES[kinds.get(type(each), int)] for each in left}


def samples(of: "Statement[Any, Any]") -> dict[str, Any]:
    hints = get_type_hints(of.build)
    if "columns" in hints:
        return columns_of(of.build().row)
    return {name: sample(hint) for name, hint in hints.items() if name != "return"}


class Sent(Exception):
    """What the ORM was about to send."""


def plain(built: Any) -> tuple[str, list[Any]]:
    """What the ORM sends for a QuerySet, an update or an insert."""

    def stop(_execute: Any, sql: str, values: Any, *_more: Any) -> Any:
        raise Sent(sql, values)

    with connection.execute_wrapper(stop), pytest.raises(Sent) as sent:
        run(built)
    sql, values = sent.value.args
    return sql % tuple(f"${place}" for place in range(1, len(values) + 1)), list(values)


def run(built: Any) -> None:
    """By the plain ORM."""
    if isinstance(built, Update):
        built.rows.update(**built.changes)
    elif isinstance(built, Insert) and built.ignore_conflicts:
        type(built.row)._default_manager.bulk_create([built.row], ignore_conflicts=True)
    elif isinstance(built, Insert):
        built.row.save(force_insert=True)
    else:
        list(built)


def comparable(sql: str) -> str:
    """Without what cannot differ in effect.

    Parentheses round a lone parameter, which the ORM puts round any expression, and the columns that an
    insert wants back, which it says by itself.
    """
    sql = re.sub(r"\((\$\d+)\)", r"\1", sql)
    return re.sub(r" RETURNING .*", "", sql) if sql.startswith("INSERT") else sql


def differences(of: "Statement[Any, Any]") -> list[str]:
    """What of the compiled statement is not what the plain ORM sends."""
    given = samples(of)
    bound, (sql, values) = of(**given), plain(of.build(**given))
    pairs = [(comparable(bound.sql.decode()), comparable(sql)), (list(bound.values), values)]
    return [f"{ours} != {theirs}" for ours, theirs in pairs if ours != theirs]


@pytest.mark.django_db
@pytest.mark.parametrize("name", STATEMENTS)
def test_compiled_statement_is_what_the_plain_orm_sends(name):
    assert not differences(STATEMENTS[name])


def test_app_that_sells_has_statements():
    with_statements = {name.partition(".")[0] for name in STATEMENTS}
    assert with_statements >= {"users", "products", "points", "coupons", "orders"}


@pytest.mark.django_db
def test_statement_that_depends_on_its_values_is_noticed():
    @statement
    def careless(*, product_id: int) -> Any:
        found = Product.objects.filter(pk=product_id)
        return found.values_list("pk") if product_id == SAMPLES[int] else found.values_list("name")

    assert differences(careless)


@pytest.mark.django_db
def test_number_of_any_size_is_sent_with_64_bits():
    """Django would send the number beside F() with 32, and psycopg cut it."""
    largest = ProductFactory(stock=2**63 - 1)
    send(take(product_id=largest.pk, quantity=2**62))
    largest.refresh_from_db()
    assert (largest.stock, largest.units_sold) == (2**63 - 1 - 2**62, 2**62)
    assert len({type(value) for value in take(product_id=1, quantity=2**62).values}) == 1


@contextmanager
def renamed(column: str) -> Iterator[None]:
    """The stock in another column, as after a migration that renames it."""
    old = Product._meta.get_field("stock")
    new = old.clone()
    new.db_column = column
    new.set_attributes_from_name("stock")
    new.model = Product
    with connection.schema_editor() as editor:
        editor.alter_field(Product, old, new)
    old.column = column
    try:
        yield
    finally:
        old.column = "stock"
        with connection.schema_editor() as editor:
            editor.alter_field(Product, new, old)


@pytest.mark.django_db(transaction=True)
def test_column_that_was_renamed_needs_no_edit():
    product = ProductFactory(stock=5)
    with renamed("units_left"):
        taken, read = (replace(each, compiled={}) for each in (take, offers))
        (changed, rows) = send(taken(product_id=product.pk, quantity=2), read(product_ids=[product.pk]))
        assert b"units_left" in taken(product_id=1, quantity=1).sql
    assert (changed, rows[0][3]) == (1, 3)


@pytest.mark.django_db
def test_statement_is_compiled_once(monkeypatch):
    @statement
    def counted(*, amount: int) -> Update:
        built.append(amount)
        return Update(Product.objects.filter(pk=0), {"stock": F("stock") + amount})

    built: list[Any] = []
    for amount in (1, 2, 3):
        counted(amount=amount)
    assert len(built) == 1


@pytest.mark.django_db
def test_insert_is_compiled_for_the_columns_that_it_is_given():
    statement = insert(Product, returning=["units_sold"])
    for sold in ({}, {"units_sold": 3}, {}):
        (((answer,),),) = send(statement(name="x", price=1, stock=1, **sold))
        assert answer == sold.get("units_sold", 0)


@pytest.mark.django_db(transaction=True)
def test_statement_that_comes_first_in_an_atomic_block_is_rolled_back_with_it():
    with transaction.atomic():
        send(insert(Product)(name="x", price=1, stock=1))
        transaction.set_rollback(True)
    assert not Product.objects.exists()


@pytest.mark.django_db
def test_update_returns_how_many_rows_it_changed():
    assert send(move(user_id=1, amount=1)) == (0,)


def test_statement_by_hand_numbers_its_parameters():
    @statement
    def by_hand(*, first: int, second: str) -> ByHand:
        del first, second
        return ByHand("SELECT %(second)s::text, %(first)s::bigint, %(second)s::text")

    bound = by_hand(first=1, second="x")
    assert (bound.sql, bound.values) == (b"SELECT $2::text, $1::bigint, $2::text", [1, "x"])
