"""Refused requests, kept for a while."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.timestamps import within_calendar


class Refusal(models.Model):
    """One refused request; or the number of further ones of its kind in the same second, without members."""

    refused_at = models.DateTimeField(_("Refused at"))
    # The id in the request; a member with it need not exist.
    user_id = models.BigIntegerField(_("Member id"), null=True)
    request = models.CharField(_("Request"), max_length=200)
    status = models.SmallIntegerField(_("Status"))
    code = models.CharField(_("Reason"), max_length=64)
    extension_members = models.JSONField(_("Details"), default=dict, encoder=DjangoJSONEncoder)
    request_id = models.CharField(_("Request id"), max_length=64, db_default="")
    times = models.IntegerField(_("Times"), db_default=1)

    class Meta:
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        indexes = [
            models.Index(fields=["user_id", "-id"], name="refusal_by_user"),
            models.Index(fields=["request_id"], name="refusal_by_request_id"),
            models.Index(fields=["refused_at"], name="refusal_by_refused_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(times__gte=1), name="refusal_times_from_1"),
            within_calendar("refused_at", name="refusal_refused_at_within_calendar"),
        ]

    def __str__(self) -> str:
        return f"{self.request} {self.code}"
