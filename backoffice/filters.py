"""Filters of the admin's lists."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import ChoicesFieldListFilter, ListFilter, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import DateField
from django.http import HttpRequest
from django.utils.timezone import make_aware
from unfold.contrib.filters.admin import RangeDateFilter


class DayRangeFilter(RangeDateFilter):
    """Timestamps by their day in Seoul, the first and the last day included."""

    def queryset(self, _request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The rows from the start of the first day to the end of the last.

        Raises IncorrectLookupParameters for what is no day.
        """
        since, until = self._day("from"), self._day("to")
        if since:
            queryset = queryset.filter(**{f"{self.field_path}__gte": _midnight(since)})
        if until and until < date.max:
            queryset = queryset.filter(**{f"{self.field_path}__lt": _midnight(until + timedelta(days=1))})
        return queryset

    def _day(self, end: str) -> Any:
        try:
            return DateField(required=False).clean(self.used_parameters.get(f"{self.field_path}_{end}"))
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error


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
