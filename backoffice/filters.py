"""Filters of the admin's lists."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import ChoicesFieldListFilter, ListFilter, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import DateField
from django.http import HttpRequest
from django.utils.timezone import localdate, make_aware
from django.utils.translation import gettext as _
from unfold.contrib.filters.admin import RangeDateFilter


class DayRangeFilter(RangeDateFilter):
    """Timestamps by their day in Seoul, the first and the last day included."""

    template = "backoffice/day_range.html"

    def queryset(self, _request: HttpRequest, queryset: QuerySet) -> QuerySet:
        since, until = self.days()
        if since:
            queryset = queryset.filter(**{f"{self.field_path}__gte": _midnight(since)})
        if until and until < date.max:
            queryset = queryset.filter(**{f"{self.field_path}__lt": _midnight(until + timedelta(days=1))})
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        (form,) = super().choices(changelist)
        first, last = (f"{self.field_path}_{end}" for end in ("from", "to"))
        form["presets"] = [
            {
                "label": label,
                "is_chosen": self.days() == days,
                "query": changelist.get_query_string({first: days[0], last: days[1]}, [PAGE_VAR]),
            }
            for label, days in day_ranges(today=localdate())
        ]
        yield form

    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day, None where it is open. Raises IncorrectLookupParameters."""
        return self._day("from"), self._day("to")

    def _day(self, end: str) -> Any:
        try:
            return DateField(required=False).clean(self.used_parameters.get(f"{self.field_path}_{end}"))
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error


def day_ranges(*, today: date) -> list[tuple[str, tuple[date, date]]]:
    """Names of common ranges, each with its first and last day; a week begins on Monday."""
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    yesterday, end = today - timedelta(days=1), first - timedelta(days=1)
    return [
        (_("Today"), (today, today)),
        (_("Yesterday"), (yesterday, yesterday)),
        (_("Last 7 days"), (today - timedelta(days=6), today)),
        (_("Last week"), (monday - timedelta(days=7), monday - timedelta(days=1))),
        (_("This month"), (first, today)),
        (_("Last month"), (end.replace(day=1), end)),
    ]


def is_of_past_days(spec: ListFilter) -> bool:
    if not isinstance(spec, DayRangeFilter):
        return False
    _since, until = spec.days()
    return until is not None and until < localdate()


def check_choices(spec: ListFilter) -> None:
    """Raises IncorrectLookupParameters where a filter by choices was given another one."""
    chosen: set[Any]
    if isinstance(spec, SimpleListFilter):
        chosen, offered = {spec.value()} - {None}, {value for value, _label in spec.lookup_choices}
    elif isinstance(spec, ChoicesFieldListFilter):
        chosen, offered = set(spec.lookup_val or ()), {value for value, _label in spec.field.flatchoices}
    else:
        return
    if not chosen <= offered:
        raise IncorrectLookupParameters(*chosen)


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))
