"""What the admin's log says of an action: data, worded when it is read, in the reader's language."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db import connection
from django.db.models import Model
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext

from backoffice import sql
from backoffice.formatting import list_url, number, shortened, timestamp, won
from backoffice.role_names import permission_name, role_name

DETAIL = "detail"
CHANGES = "changes"
# Fields whose values no log may hold.
SECRET = frozenset({"password"})

Part = dict[str, Any]


def log_detail(text: str, /, **values: Any) -> Part:
    """A part of a log entry; `text`, marked by gettext_noop, is translated when the entry is read.

    Its {names} stand for `values`, which JSON has types for.
    """
    return {DETAIL: {"text": text, "values": values}}


def changes(
    of: Model | type[Model], before: Mapping[str, Any], after: Mapping[str, Any], *, reason: str = ""
) -> Part:
    """A part of a log entry: each field that differs, its old and its new value, and the reason if any.

    Both mappings are by names of fields of the model; a relation to many is given as its rows and kept as the
    names that were added and removed. The attribute `units` of the model says which integers are won, a
    percentage or a count of something; of a row it may depend on another field. Of a password it is kept that
    it was changed, and no value.
    """
    found = [_change(of, name, before, after) for name in after]
    part: Part = {"model": of._meta.label_lower, "fields": [each for each in found if each]}  # noqa: SLF001
    return {CHANGES: {**part, "reason": reason} if reason else part}


def initial_values(of: Model, values: Mapping[str, Any]) -> Part:
    """A part of a log entry: a new row's fields with a value, neither None nor empty, and no password."""
    given = {
        name: value
        for name, value in values.items()
        if name not in SECRET and value not in (None, "") and _field(of, name)
    }
    part = changes(of, {}, given)
    for field in part[CHANGES]["fields"]:
        field.pop("old", None)
    return part


def as_message(parts: list[Part]) -> str:
    # An index of PostgreSQL's would not take escapes.
    return json.dumps(parts, ensure_ascii=False)


def log_rows(
    *,
    staff_id: int,
    rows: Iterable[tuple[Model, list[Part]]],
    flag: int = CHANGE,
    at: datetime | None = None,
) -> None:
    """Add an entry for each row of one model, by one INSERT; their moment is now unless `at` is given."""
    told = [(row, as_message(parts)) for row, parts in rows]
    if not told:
        return
    kind = ContentType.objects.get_for_model(told[0][0])
    entries = [{"id": str(row.pk), "name": str(row)[:200], "message": message} for row, message in told]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.INSERT_LOG_ENTRIES, [at or timezone.now(), staff_id, kind.pk, flag, json.dumps(entries)]
        )


def log_file(*, staff_id: int, model: type[Model], file: str, parts: list[Part]) -> None:
    """Add an entry about the model as a whole: `file` stands where an entry has the name of a row."""
    LogEntry.objects.create(
        user_id=staff_id,
        content_type=ContentType.objects.get_for_model(model),
        object_repr=file[:200],
        action_flag=CHANGE,
        change_message=as_message(parts),
    )


def url_of(*, kind_id: int | None, row_id: object) -> str:
    """Where all is listed that the log says of a row."""
    return list_url("admin_logentry", content_type__id__exact=str(kind_id), object_id__exact=str(row_id))


def unit_of(of: Model | type[Model], name: str, values: Mapping[str, Any]) -> str | None:
    """What an integer of the field counts, a key of KINDS, by the model's `units`; None for a bare number."""
    unit: Any = getattr(of, "units", {}).get(name)
    if isinstance(unit, tuple):
        by, units = unit
        unit = units.get(values.get(by) or getattr(of, by))
    return unit if unit is None else str(unit)


def describe(entry: LogEntry) -> str:
    """What an entry says, in the reader's language; the beginning of its text if it is of no known form."""
    try:
        told = " · ".join(filter(None, [_describe_part(**part) for part in json.loads(entry.change_message)]))
        told.encode()  # a lone surrogate, which JSON can escape, cannot be sent
    except Exception:  # noqa: BLE001 - other programs write any text, and one entry must not break a list
        return shortened(entry.change_message)
    return told or gettext("No fields changed.")


def _describe_part(**part: Any) -> str:
    # Whatever this raises, `describe` shows the text of the entry instead.
    if DETAIL in part:
        text, values = part[DETAIL]["text"], part[DETAIL]["values"]
        return gettext(text).format(**values)
    if CHANGES in part:
        return _describe_changes(**part[CHANGES])
    if not part.keys() <= {"added", "changed", "deleted"}:  # Django's
        raise KeyError(*part)
    return str(LogEntry(change_message=json.dumps([part])).get_change_message())


def _change(
    of: Model | type[Model], name: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Part | None:
    if name in SECRET:
        return {"field": name}
    old, new = before.get(name), after[name]
    if (field := _field(of, name)) and field.many_to_many:
        had, has = {_name(row) for row in old or ()}, {_name(row) for row in new or ()}
        added, removed = sorted(has - had), sorted(had - has)
        return {"field": name, "added": added, "removed": removed} if had != has else None
    if field and not field.is_relation:
        old, new = field.to_python(old), field.to_python(new)
    if old == new:
        return None
    return {
        "field": name,
        "old": _as_json(old, unit_of(of, name, before)),
        "new": _as_json(new, unit_of(of, name, after)),
    }


def _field(of: Model | type[Model], name: str) -> Any:
    try:
        return of._meta.get_field(name)  # noqa: SLF001 - documented API
    except FieldDoesNotExist:
        return None


def _as_json(value: Any, unit: str | None) -> Any:
    # What JSON has no type for says what it is, by a key of KINDS.
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat()}
    if isinstance(value, int) and unit:
        return {unit: value}
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _name(row: Any) -> str:
    if isinstance(row, Permission):
        return f"{ContentType.objects.get_for_id(row.content_type_id).app_label}.{row.codename}"
    return row.name if isinstance(row, Group) else str(row)


def _describe_changes(*, model: str, fields: list[Part], reason: str = "") -> str:
    try:
        of = apps.get_model(model)
    except LookupError:  # of an app that is no more
        of = LogEntry
    why = gettext("reason: {reason}").format(reason=reason) if reason else ""
    return " · ".join(_describe_change(_field(of, each["field"]), why, **each) for each in fields)


def _describe_change(described: Any, why: str, *, field: str, **values: Any) -> str:
    label = capfirst(str(described.verbose_name)) if described else gettext(field)
    if "new" not in values and "added" not in values:
        return gettext("{field} changed").format(field=label)
    if "added" in values:
        texts = {"added": gettext("added {names}"), "removed": gettext("removed {names}")}
        told = [
            text.format(names=", ".join(_described_name(described, name) for name in values[kind]))
            for kind, text in texts.items()
            if values[kind]
        ]
        return f"{label}: {', '.join(told)}"
    new = _describe_value(described, values["new"])
    if "old" not in values:  # of a new row
        return f"{label}: {new}"
    return f"{label}: {_describe_value(described, values['old'])} → {new}" + (f" ({why})" if why else "")


def _described_name(described: Any, name: str) -> str:
    return WORDED_NAMES.get(described and described.related_model, str)(name)


def _describe_value(described: Any, value: Any) -> str:
    if isinstance(value, dict):
        ((kind, held),) = value.items()
        return KINDS.get(kind, number)(held)
    if value is None or value == "":
        return gettext("none")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int):
        return number(value)
    return str(dict(described.flatchoices).get(value, value)) if described else str(value)


KINDS: dict[str, Callable[[Any], str]] = {
    "won": won,
    "percent": "{}%".format,
    "units": lambda count: gettext("{count:,} units").format(count=count),
    "coupons": lambda count: gettext("{count:,} coupons").format(count=count),
    "timestamp": lambda text: timestamp(datetime.fromisoformat(text)),
}
WORDED_NAMES: dict[Any, Callable[[str], str]] = {Group: role_name, Permission: permission_name}
