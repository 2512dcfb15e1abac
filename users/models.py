"""Members, who may call the shop. Staff who sign in to the admin are Django's own users."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.db.fields import NameField, not_blank, positive_id
from core.timestamps import within_calendar


class User(models.Model):
    """A registered member; a plain row, without password or privileges."""

    name = NameField(_("Name"))
    created_at = models.DateTimeField(_("Registered at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        # For searches by the beginning of names: LIKE uses only an index in byte order.
        indexes = [models.Index(fields=["name"], name="user_by_name", opclasses=["varchar_pattern_ops"])]
        constraints = [
            positive_id(name="user_id_positive"),
            not_blank(name="user_name_not_blank"),
            within_calendar("created_at", name="user_created_at_within_calendar"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"
