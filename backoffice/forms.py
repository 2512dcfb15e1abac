"""Where staff give a password: no more than a few guesses are checked."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from backoffice import sign_ins


class ThrottledLoginForm(AuthenticationForm):
    """Counts each guess before it is checked, so that of many at once no more than the limit are."""

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        """Check the password. Raises ValidationError, for a right one too after too many guesses."""
        name = self.cleaned_data.get("username")
        if not (name and self.cleaned_data.get("password")):
            return super().clean() or {}  # nothing is checked
        guess = sign_ins.guess_of(self.request, name=name)
        if not guess.reserve():
            sign_ins.report_failure(self.request, name=name, cause=sign_ins.THROTTLED)
            raise too_many_guesses()
        try:
            cleaned = super().clean() or {}
        except ValidationError:
            sign_ins.report_failure(self.request, name=name, cause=sign_ins.WRONG)
            raise
        guess.give_back()
        return cleaned


class ThrottledPasswordChangeForm(AdminOwnPasswordChangeForm):
    """Asks for the old password, which somebody at an open session may not know."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    @sensitive_variables()
    def clean_old_password(self) -> str:
        """Check the old password. Raises ValidationError, for a right one too once there were too many."""
        guess, name = sign_ins.guess_of_old_password(account_id=self.user.pk), self.user.get_username()
        if not guess.reserve():
            sign_ins.report_failure(self.request, name=name, cause=sign_ins.THROTTLED)
            raise too_many_guesses()
        try:
            old_password = str(super().clean_old_password())
        except ValidationError:
            sign_ins.report_failure(self.request, name=name, cause=sign_ins.WRONG)
            raise
        guess.give_back()
        return old_password


def too_many_guesses() -> ValidationError:
    """What the form says instead of checking."""
    return ValidationError(_("Too many wrong passwords. Please try again in 15 minutes."), code="too_many")
