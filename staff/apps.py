"""The staff app, and the admin site that it runs."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    """Who may sign in to the admin, and what for."""

    name = "staff"
    verbose_name = _("Staff accounts and roles")


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin on our site."""

    default_site = "staff.site.Desk"
