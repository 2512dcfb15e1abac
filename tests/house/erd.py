"""The entity-relationship diagram of the documents, drawn from the models by `python -m tests.house.erd`."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import django
from django.apps import apps
from django.db import connection, models

DOCUMENTS = (Path("docs/architecture.md"), Path("docs/ko/architecture.md"))
APPS = ("users", "products", "points", "coupons", "orders", "rankings")
BLOCK = re.compile(r"```mermaid\nerDiagram\n.*?```", re.DOTALL)


def diagram() -> str:
    """Every table of the shop with its columns, and what refers to what."""
    tables = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    lines = [line for model in tables for line in (*_table(model), *_references(model))]
    return "\n".join(["```mermaid", "erDiagram", *lines, "```"])


def _table(model: type[models.Model]) -> Iterator[str]:
    yield f"    {model._meta.db_table} {{"
    for field in model._meta.concrete_fields:
        yield f"        {_type(field)} {field.column}{_key(field)}"
    yield "    }"


def _type(field: models.Field) -> str:
    return str(field.db_type(connection)).replace("timestamp with time zone", "timestamptz").split("(")[0]


def _key(field: models.Field) -> str:
    keys = [name for name, is_one in (("PK", field.primary_key), ("FK", field.is_relation)) if is_one]
    return f" {', '.join(keys)}" if keys else ""


def _references(model: type[models.Model]) -> Iterator[str]:
    for field in model._meta.concrete_fields:
        if field.is_relation:
            many, one = "|o" if field.one_to_one else "}o", "o|" if field.null else "||"
            target = field.related_model._meta.db_table
            yield f"    {model._meta.db_table} {many}--{one} {target} : {field.name}"


def redrawn(text: str) -> str:
    """A document with its diagram as the models are now."""
    return BLOCK.sub(lambda _found: diagram(), text)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    for document in DOCUMENTS:
        document.write_text(redrawn(document.read_text()))
