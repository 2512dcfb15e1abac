"""Readable names of roles and permissions."""

from django.apps import apps
from django.utils.translation import gettext_lazy as _

ROLES = {
    "viewer": (_("Viewer"), _("sees everything in the shop")),
    "merchandiser": (_("Merchandiser"), _("products with their stock, and coupons")),
    "operator": (_("Operator"), _("all of that, members, and sending events again")),
}
VERBS = {
    "add": _("add"),
    "change": _("change"),
    "delete": _("delete"),
    "view": _("see"),
    "redeliver": _("send again"),
}
# Permissions that concern no model.
OTHER_PERMISSIONS = {
    "seeding.export_lists": _("Export lists and sales"),
}


def role_name(name: str) -> str:
    """The role in the reader's language, or as the staff who made it named it."""
    return str(ROLES.get(name, (name, ""))[0])


def permission_name(name: str) -> str:
    """The rows and the action of `app.verb_model`; for another permission, its name."""
    if name in OTHER_PERMISSIONS:
        return str(OTHER_PERMISSIONS[name])
    app, _dot, codename = name.partition(".")
    verb, _line, model = codename.partition("_")
    try:
        rows = apps.get_model(app, model)._meta.verbose_name  # noqa: SLF001 - documented API
    except LookupError:
        return name
    return f"{rows}: {VERBS.get(verb, verb)}"
