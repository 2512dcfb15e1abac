"""The first step in a new shop, on the admin's first page."""

from django.utils.translation import gettext_lazy as _

from backoffice.dashboard import Step, add_links
from users.models import User

STEPS = [Step(10, _("Add the members who may buy."), User.objects.exists, add_links("users", "user"))]
