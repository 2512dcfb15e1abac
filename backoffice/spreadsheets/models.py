"""A file between its preview and its import."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.timestamps import within_calendar


class Upload(models.Model):
    """What was uploaded, kept where every web process on every host finds it."""

    id: Any = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # Only this account may import it. NULL as a version before this column left it: nobody may.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,  # the table has a hundred rows at most
    )
    # The model whose rows it brings, as in "products.product".
    target = models.CharField(max_length=100, db_default="")
    name = models.CharField(max_length=255, db_default="")
    content = models.BinaryField()
    uploaded_at = models.DateTimeField(db_default=Now())

    class Meta:
        # Of the app rather than of this table: a permission belongs to some model.
        permissions = [("export_lists", _("Export orders, points, issued coupons, events and the log"))]
        constraints = [within_calendar("uploaded_at", name="upload_uploaded_at_within_calendar")]

    def __str__(self) -> str:
        return str(self.id)
