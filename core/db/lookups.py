"""Conditions that the ORM has no word for."""

from django.db.models import BooleanField, Func


class AnyOf(Func):
    """Whether a value is in an array: one walk through an index, however many the array turns out to have."""

    template, arg_joiner = "%(expressions)s)", " = ANY("
    output_field = BooleanField()
