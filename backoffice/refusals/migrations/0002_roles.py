"""Whoever may see orders may see why one was refused."""

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations


def grant(apps: Any, schema_editor: object) -> None:  # noqa: ARG001 - by convention
    """To every role that sees orders."""
    # Permissions come after all migrations (post_migrate), which is too late for a group that has them.
    config = apps.get_app_config("refusals")
    before, config.models_module = getattr(config, "models_module", None), True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = before
    permission = apps.get_model("auth", "Permission").objects
    seen = permission.get(content_type__app_label="refusals", codename="view_refusal")
    for role in apps.get_model("auth", "Group").objects.filter(
        permissions__content_type__app_label="orders", permissions__codename="view_order"
    ):
        role.permissions.add(seen)


class Migration(migrations.Migration):
    dependencies = [("refusals", "0001_initial"), ("staff", "0001_roles")]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
