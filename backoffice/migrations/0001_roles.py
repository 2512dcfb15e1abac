"""The three roles, as groups, with what each may do."""

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEEN = {
    "users": ["user"],
    "products": ["product"],
    "points": ["pointaccount", "pointtransaction"],
    "coupons": ["coupon", "issuedcoupon"],
    "orders": ["order", "orderitem", "orderevent"],
    "admin": ["logentry"],
}
VIEWER = [(app, f"view_{model}") for app, models in SEEN.items() for model in models]
MERCHANDISER = [
    *VIEWER,
    *((app, f"{verb}_{app[:-1]}") for app in ("products", "coupons") for verb in ("add", "change", "delete")),
]
OPERATOR = [
    *MERCHANDISER,
    *(("users", f"{verb}_user") for verb in ("add", "change", "delete")),
    ("orders", "redeliver_orderevent"),
]


def make_roles(apps: Any, schema_editor: object) -> None:  # noqa: ARG001 - by convention
    """Make the groups; one that is there already by its name gets what it lacks."""
    for label in SEEN:
        # Permissions come after all migrations (post_migrate), which is too late for a group that has them.
        config = apps.get_app_config(label)
        before, config.models_module = getattr(config, "models_module", None), True
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = before
    permission = apps.get_model("auth", "Permission").objects
    for name, allowed in {"viewer": VIEWER, "merchandiser": MERCHANDISER, "operator": OPERATOR}.items():
        group, _made = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.add(
            *(permission.get(content_type__app_label=app, codename=codename) for app, codename in allowed)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("users", "0001_initial"),
        ("products", "0001_initial"),
        ("points", "0001_initial"),
        ("coupons", "0001_initial"),
        ("orders", "0003_texts_in_english_at_source"),
    ]

    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
