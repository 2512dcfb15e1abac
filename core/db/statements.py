"""Hot statements: built with the ORM, compiled once in a process, sent prepared.

Building and compiling a QuerySet costs several times what sending it does. A statement is a function that
builds one; its keyword parameters stand in place of values. docs/adr/0014-the-orm-compiled-once.md says what
that brings.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from types import UnionType
from typing import Any, Generic, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints, overload
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.constants import OnConflict
from django.db.models.expressions import Expression, Func, Value
from django.db.models.query import FlatValuesListIterable, ModelIterable, NamedValuesListIterable
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.models.utils import create_namedtuple_class

from core.db.exchange import Answer, Bound

P = ParamSpec("P")
A = TypeVar("A")
R = TypeVar("R")

# What a parameter is to the ORM, by its annotation.
_FIELDS: dict[Any, "Callable[[], models.Field[Any, Any]]"] = {
    int: models.BigIntegerField,
    str: models.TextField,
    datetime: models.DateTimeField,
    timedelta: models.DurationField,
    list[int]: lambda: ArrayField(models.BigIntegerField()),
    list[UUID]: lambda: ArrayField(models.UUIDField()),
}


@dataclass(frozen=True)
class Update:
    """`rows.update(**changes)`, to be compiled; it answers how many rows it changed."""

    rows: "models.QuerySet[Any, Any]"
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Insert:
    """`row.save(force_insert=True)`, to be compiled; it answers the fields of `returning`, if any."""

    row: models.Model
    returning: Sequence[str] = ()
    ignore_conflicts: bool = False


@dataclass(frozen=True)
class ByHand:
    """SQL for what the ORM cannot say, with `%(name)s` for each parameter; it answers the rows returned."""

    sql: str


class AnyOf(Func):
    """Whether a value is in an array: one walk through an index, however many the array turns out to have."""

    template, arg_joiner = "%(expressions)s)", " = ANY("
    output_field = models.BooleanField()


class JustInserted(Func):
    """The key of the row that this transaction last put into the table that a foreign key refers to."""

    def __init__(self, model: type[models.Model], foreign_key: str) -> None:
        key: Any = model._meta.get_field(foreign_key)  # noqa: SLF001 - documented API
        referred = key.related_model._meta  # noqa: SLF001
        table, column = Value(f'"{referred.db_table}"'), Value(referred.pk.column)
        sequence = Func(table, column, function="pg_get_serial_sequence", output_field=models.TextField())
        super().__init__(sequence, function="currval", output_field=models.BigIntegerField())


class Parameter(Expression):
    """Stands where each call puts a value of its own."""

    def __init__(self, name: str, output_field: "models.Field[Any, Any]") -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, _compiler: Any, _connection: Any) -> Any:
        # The parameter itself stands among the values, to be replaced at each call.
        return "%s", [self]


@dataclass
class Statement(Generic[P, A]):
    """What `@statement` makes of a function: call it with values, then send what it returns."""

    build: Callable[P, Any]
    fixed: tuple[str, ...] = ()
    compiled: dict[tuple[Any, ...], "_Compiled"] = field(default_factory=dict)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Bound[A]:
        # Values go by name alone.
        del args
        # An insert is compiled for the columns that it is given.
        variant = (*kwargs, *(kwargs[name] for name in self.fixed))
        compiled = self.compiled.get(variant)
        if compiled is None:
            compiled = self.compiled[variant] = _compile(self._built(kwargs), kwargs)
        values = [kwargs[slot.name] if type(slot) is Parameter else slot for slot in compiled.slots]
        return Bound(compiled.sql, values, compiled.read)

    def _built(self, given: Mapping[str, Any]) -> Any:
        hints = get_type_hints(self.build)
        parameters = {
            name: given[name] if name in self.fixed else Parameter(name, _field(hints.get(name, str)))
            for name in given
        }
        return self.build(**parameters)  # type: ignore[call-arg,arg-type]


@overload
def statement(build: "Callable[P, models.QuerySet[Any, R]]", /) -> Statement[P, list[R]]: ...
@overload
def statement(build: Callable[P, Update], /) -> Statement[P, int]: ...
@overload
def statement(build: Callable[P, Insert | ByHand], /) -> Statement[P, list[tuple[Any, ...]]]: ...
def statement(build: Callable[P, Any], /) -> Statement[P, Any]:
    """Compile what the function builds, a QuerySet, Update, Insert or ByHand, at its first call.

    Its parameters go by name and are annotated. In place of a value the function gets an expression, so it
    must not look at it; what an annotation cannot say (a limit, a direction) is declared by `variants`.
    """
    return Statement(build)


def insert(
    model: type[models.Model],
    *,
    returning: Sequence[str] = (),
    just_inserted: str | None = None,
    ignore_conflicts: bool = False,
    **fixed: Any,
) -> Statement[..., list[tuple[Any, ...]]]:
    """The statement that puts in a row, with columns given by name; it answers those of `returning`.

    `just_inserted` names the foreign key to the row that this transaction has just put in, `fixed` the
    columns that are the same at each call.
    """

    def build(**columns: Any) -> Insert:
        if just_inserted:
            columns[f"{just_inserted}_id"] = JustInserted(model, just_inserted)
        return Insert(model(**fixed, **columns), returning, ignore_conflicts)

    return Statement(build)


def variants(*fixed: str) -> "Callable[[Callable[P, models.QuerySet[Any, R]]], Statement[P, list[R]]]":
    """As `statement`, compiled once for each value of the `fixed` parameters, of which there are few."""
    return lambda build: Statement(build, fixed)


@dataclass(frozen=True)
class _Compiled:
    sql: bytes
    slots: Sequence[Any]
    read: Callable[[Answer], Any]


class _InTransaction:
    """The connection, as it will be: some statements may be compiled only within a transaction."""

    def __getattr__(self, name: str) -> Any:
        return getattr(connection, name)

    def get_autocommit(self) -> bool:
        return False


def _field(annotation: Any) -> "models.Field[Any, Any]":
    # `int | None` has the field of `int`.
    if get_origin(annotation) in {Union, UnionType}:
        (annotation,) = set(get_args(annotation)) - {type(None)}
    return _FIELDS[annotation]()


def _compile(built: Any, given: Mapping[str, Any]) -> _Compiled:
    if isinstance(built, ByHand):
        sql = built.sql % {name: f"${place}" for place, name in enumerate(given, start=1)}
        return _Compiled(sql.encode(), [Parameter(name, models.TextField()) for name in given], _rows)
    compiler = _compiler(built)
    made = compiler.as_sql()
    sql, slots = made[0] if isinstance(made, list) else made
    numbered = sql % tuple(f"${place}" for place in range(1, len(slots) + 1))
    return _Compiled(numbered.encode(), slots, _reader(built, compiler))


def _reader(built: Any, compiler: Any) -> Callable[[Answer], Any]:
    if isinstance(built, models.QuerySet):
        return _Rows(built, compiler)
    return _rows if isinstance(built, Insert) and built.returning else _count


def _compiler(built: Any) -> Any:
    compiler: Any = _query(built).get_compiler(connection=_InTransaction())
    if isinstance(built, Insert) and built.returning:
        compiler.returning_fields = [built.row._meta.get_field(name) for name in built.returning]  # noqa: SLF001
    return compiler


def _query(built: Any) -> Any:
    query: Any
    if isinstance(built, Update):
        query = built.rows.query.chain(UpdateQuery)
        query.add_update_values(dict(built.changes))
        return query
    if isinstance(built, Insert):
        columns = built.row._meta.concrete_fields  # noqa: SLF001 - documented API
        query = InsertQuery(
            type(built.row), on_conflict=OnConflict.IGNORE if built.ignore_conflicts else None
        )
        query.insert_values([each for each in columns if not isinstance(each, models.AutoField)], [built.row])
        return query
    return built.query


class _Rows:
    """Reads rows as the QuerySet would: tuples, values or model instances; computed columns converted."""

    def __init__(self, rows: Any, compiler: Any) -> None:
        # The compiler knows which column is what once its SQL is made.
        self.compiler = compiler
        self.converters = compiler.get_converters([column[0] for column in compiler.select])
        self.make: Callable[[Any], Any] | None = None
        if rows._iterable_class is ModelIterable:  # noqa: SLF001
            self.make = _instances(compiler)
        elif rows._iterable_class is FlatValuesListIterable:  # noqa: SLF001
            self.make = itemgetter(0)
        elif rows._iterable_class is NamedValuesListIterable:  # noqa: SLF001
            self.make = create_namedtuple_class(*rows._fields)._make

    def __call__(self, answer: Answer) -> list[Any]:
        rows: Iterable[Any] = answer.rows
        if self.converters:
            rows = map(tuple, self.compiler.apply_converters(rows, self.converters))
        return [*map(self.make, rows)] if self.make else [*rows]


def _instances(compiler: Any) -> Callable[[Sequence[Any]], models.Model]:
    model, columns = compiler.klass_info["model"], compiler.klass_info["select_fields"]
    own = slice(columns[0], columns[-1] + 1)
    names = [column[0].target.attname for column in compiler.select[own]]
    annotated = (compiler.annotation_col_map or {}).items()

    def make(row: Sequence[Any]) -> models.Model:
        instance: models.Model = model.from_db(DEFAULT_DB_ALIAS, names, row[own])
        for name, place in annotated:
            setattr(instance, name, row[place])
        return instance

    return make


def _rows(answer: Answer) -> list[tuple[Any, ...]]:
    return answer.rows


def _count(answer: Answer) -> int:
    return answer.affected
