"""A file between its preview and its import."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.timestamps import within_calendar


class Upload(models.Model):
    """An uploaded file, kept where every web process on every host finds it."""

    id: Any = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # Only this account may import it. NULL in rows of an older version: no account may.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,  # no index: the table has at most a hundred rows
    )
    # The model of its rows, as in "products.product".
    target = models.CharField(max_length=100, db_default="")
    name = models.CharField(max_length=255, db_default="")
    content = models.BinaryField()
    uploaded_at = models.DateTimeField(db_default=Now())

    class Meta:
        # The app's permission rather than this table's: Django ties each permission to a model.
        permissions = [("export_lists", _("Export lists and sales"))]
        constraints = [within_calendar("uploaded_at", name="upload_uploaded_at_within_calendar")]

    def __str__(self) -> str:
        return str(self.id)
