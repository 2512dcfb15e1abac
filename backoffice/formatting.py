"""Money, numbers and links as people read them: the one home for the whole admin."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from unfold.utils import display_for_label

NOTHING = "-"
MINUTE = 60
# Characters that a list shows of a text of any length.
MAX_TEXT = 1_000


def won(amount: int | None) -> str:
    """An amount of money: 12,000원 in Korean, ₩12,000 in English; a dash for none."""
    if amount is None:
        return NOTHING
    sign = "-" if amount < 0 else ""
    return sign + _("₩%(amount)s") % {"amount": f"{abs(amount):,}"}


def number(quantity: int | None) -> str:
    """A quantity with its thousands set apart; a dash for none."""
    return NOTHING if quantity is None else f"{quantity:,}"


def shortened(text: str, most: int = MAX_TEXT) -> str:
    """At most `most` characters of the text, the ellipsis among them."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def timestamp(when: datetime | None) -> str:
    """A timestamp in Seoul as the reader's language writes it; a dash for none."""
    return NOTHING if when is None else formats.date_format(localtime(when), "DATETIME_FORMAT")


def duration(seconds: float) -> str:
    """A duration in its largest unit: 3분 in Korean, 3 minutes in English."""
    if seconds < MINUTE:
        count = int(seconds)
        return ngettext("%(count)s second", "%(count)s seconds", count) % {"count": count}
    start = datetime(2000, 1, 1, tzinfo=UTC)
    return timesince(start, start + timedelta(seconds=seconds), depth=1)


def badge(key: str, text: str, colours: Mapping[str, str]) -> SafeString:
    """A short state; `colours` has success, info, warning or danger for its key."""
    shown: SafeString = display_for_label((key, text), NOTHING, colours)
    return shown


def link(url: str, text: object) -> SafeString:
    return format_html('<a href="{}" class="text-link">{}</a>', url, text)


def linked(row: Model | None) -> str:
    """The row's name as a link to its page; a dash for none."""
    if row is None:
        return NOTHING
    return link(page_url(row), row)


def page_url(row: Model) -> str:
    return reverse(f"admin:{row._meta.db_table}_change", args=[row.pk])  # noqa: SLF001 - documented API


def list_url(table: str, **filters: str | int) -> str:
    """The URL of a list: `table` as in `orders_order`, `filters` as that list offers them."""
    url = reverse(f"admin:{table}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


def column(
    field: str, label: Any, *, shown: Callable[[Any], str], is_stored: bool = True
) -> Callable[[Any, Any], str]:
    """A column of the admin: a field, or one of a related row as `event__attempts`, as `shown` writes it.

    A property (`is_stored=False`) cannot be sorted by.
    """

    @admin.display(description=label, ordering=field if is_stored else None)
    def value_of(_admin: Any, row: Model) -> str:
        value: Any = row
        for name in field.split("__"):
            value = getattr(value, name, None)
        return shown(value)

    return value_of


won_column = partial(column, shown=won)
number_column = partial(column, shown=number)
link_column = partial(column, shown=linked)
timestamp_column = partial(column, shown=timestamp)
