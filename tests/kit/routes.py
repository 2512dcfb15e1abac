"""The paths of the URL conf, to be asked for one by one."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.apps import apps
from django.urls import URLResolver, get_resolver


def walk(entries: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for entry in entries:
        route = prefix + re.sub(r"\(\?P<\w+>[^)]*\)|<\w+:\w+>", "{}", str(entry.pattern)).strip("^$")
        if isinstance(entry, URLResolver):
            yield from walk(entry.url_patterns, route)
        else:
            yield route, entry.callback


def routes(*, admin: bool) -> list[str]:
    """The paths of the URL conf, with the id of a row in the place of each parameter."""
    found = [route for route, _ in walk(get_resolver().url_patterns) if route.startswith("admin/") is admin]
    return [f"/{route.replace('{}', str(some_id(route)))}" for route in found]


def some_id(route: str) -> object:
    """A row of the model that a route of the admin is about."""
    if route.startswith("problems/"):
        return "busy"
    match route.split("/"):
        case ["admin", app, model, *_] if (app, model) in {
            (each._meta.app_label, each._meta.model_name) for each in apps.get_models()
        }:
            row = apps.get_model(app, model)._default_manager.first()
            return row.pk if row else 1
    return 1
