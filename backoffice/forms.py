"""Forms that take a staff password and check only a few guesses; those of an account and of a role."""

from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from unfold.forms import (
    AdminOwnPasswordChangeForm,
    AdminPasswordChangeForm,
    AuthenticationForm,
    UserChangeForm,
)

from backoffice import action_log, sign_ins
from backoffice.base import StaleWriteForm
from core.db.transactions import durable_transaction


class ThrottledLoginForm(AuthenticationForm):
    """Counts each guess before it checks the password."""

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username")
        if not (name and self.cleaned_data.get("password")):
            return super().clean() or {}  # nothing is checked
        guess = sign_ins.guess_of(self.request, name=name)
        with sign_ins.counted(guess, request=self.request, name=name):
            return super().clean() or {}


class ThrottledPasswordChangeForm(AdminOwnPasswordChangeForm):
    """Requires the old password, so that a stranger at an open session cannot change it."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    @sensitive_variables()
    def clean_old_password(self) -> str:
        guess = sign_ins.guess_of_old_password(account_id=self.user.pk)
        with sign_ins.counted(guess, request=self.request, name=self.user.get_username()):
            return str(super().clean_old_password())

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        # The log says that the password changed, and holds neither.
        changed = action_log.changes(self.user, {}, dict.fromkeys(action_log.SECRET))
        with durable_transaction():
            account = super().save(commit)
            action_log.log_rows(staff_id=self.user.pk, rows=[(self.user, [changed])])
        return account


class OtherPasswordChangeForm(AdminPasswordChangeForm):
    """Gives another account a password, or takes it away."""

    @property
    def changed_data(self) -> list[str]:
        # Django's names only a password that is given; the log also tells of one that is taken away.
        return ["password"]


class AccountForm(StaleWriteForm, UserChangeForm):
    """A staff account."""


class RoleForm(StaleWriteForm):
    """A role, and those of its rights that the form does not offer."""

    class Meta:
        model = Group
        fields = ("name", "permissions")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = set(self.initial.get("permissions", ()))
        field: Any = self.fields.get("permissions")  # shown without a field to those who may only read
        offered = held & set(field.queryset) if field else held
        self.not_offered = held - offered
        self.initial["permissions"] = list(offered)
