"""A member's refused requests, on the member's page."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.formatting import link, list_url, page_url, timestamp
from backoffice.refusals.admin import title
from backoffice.refusals.models import Refusal
from backoffice.sections import ROWS, Content, Section


def _refusals(member: Any) -> Content:
    newest = Refusal.objects.defer("extension_members").filter(user_id=member.pk).order_by("-pk")
    return Content(
        columns=[_("Refused at"), _("Reason"), _("Request")],
        rows=[
            (link(page_url(each), timestamp(each.refused_at)), title(each.code) or each.code, each.request)
            for each in newest[:ROWS]
        ],
        all_rows=list_url("refusals_refusal", user_id=member.pk),
    )


SECTIONS = [Section("users_user", 40, "refusals.view_refusal", gettext_lazy("Refusals"), _refusals)]
