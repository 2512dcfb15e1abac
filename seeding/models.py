"""A file between its preview and its import."""

import uuid
from typing import Any

from django.db import models
from django.db.models.functions import Now


class Upload(models.Model):
    """What was uploaded, kept where every web process on every host finds it."""

    id: Any = models.UUIDField(primary_key=True, default=uuid.uuid4)
    content = models.BinaryField()
    uploaded_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.id)
