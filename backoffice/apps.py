"""The back office, and the admin site that it runs."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class BackofficeConfig(AppConfig):
    """Who may sign in to the admin, and what for."""

    name = "backoffice"
    label = "staff"  # the label in migrations and permissions
    verbose_name = _("Staff accounts and roles")


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin on our site."""

    default_site = "backoffice.site.ShopAdminSite"
