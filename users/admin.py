"""Members in the admin."""

from django.contrib import admin

from api.admin import SeedingAdmin
from users.models import User


@admin.register(User)
class UserAdmin(SeedingAdmin):
    """Members are put in here, for there is no sign-up."""

    list_display = ("id", "name", "created_at")
    search_fields = ("name", "=id")
    fields = ("name",)
