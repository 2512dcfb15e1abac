"""A permission of its own to export lists, and the role that has it."""

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations


def grant(apps: Any, schema_editor: object) -> None:  # noqa: ARG001 - by convention
    """To operators."""
    # Permissions come after all migrations (post_migrate), which is too late for a group that has them.
    config = apps.get_app_config("seeding")
    before, config.models_module = getattr(config, "models_module", None), True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = before
    permission = apps.get_model("auth", "Permission").objects
    exports = permission.get(content_type__app_label="seeding", codename="export_lists")
    for role in apps.get_model("auth", "Group").objects.filter(name="operator"):
        role.permissions.add(exports)


class Migration(migrations.Migration):
    dependencies = [("seeding", "0004_upload_owner_target_and_name"), ("staff", "0001_roles")]
    operations = [
        migrations.AlterModelOptions(
            name="upload",
            options={
                "permissions": [("export_lists", "Export orders, points, issued coupons, events and the log")]
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
