"""`{% load formatting %}`: the filters `won`, `number`, `timestamp`, `duration` and `linked`."""

from django.template import Library

from backoffice import formatting

register = Library()
for each in (formatting.won, formatting.number, formatting.timestamp, formatting.duration, formatting.linked):
    register.filter(each)
