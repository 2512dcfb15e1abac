"""Modules that are found by name in each app, as Django finds `admin`."""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from django.apps import apps
from django.utils.module_loading import module_has_submodule


def modules_named(name: str) -> Iterator[ModuleType]:
    """The module of that name of each installed app that has one."""
    for app in apps.get_app_configs():
        if app.module and module_has_submodule(app.module, name):
            yield import_module(f"{app.name}.{name}")
