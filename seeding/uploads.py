"""Keeping a file from its preview to its import: in the database, for a day at most, to be taken once."""

import zlib
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from import_export.tmp_storages import BaseStorage

from seeding.models import Upload

KEPT = timedelta(days=1)


class UploadStorage(BaseStorage):
    """Where django-import-export puts a file that waits for its confirmation."""

    def save(self, data: bytes) -> None:
        """Keep a file, and forget those that nobody confirmed."""
        Upload.objects.filter(uploaded_at__lt=Now() - KEPT).delete()
        self.name = str(Upload.objects.create(content=zlib.compress(data, 1)).pk)

    def read(self) -> bytes:
        """The file, which stays."""
        return zlib.decompress(Upload.objects.get(pk=self.name).content)

    def remove(self) -> None:
        """Forget the file."""
        Upload.objects.filter(pk=self.name).delete()


def take(*, name: Any) -> bytes | None:
    """The file, for whoever asks first; None for the second, after a day, or where the name is none."""
    try:
        found = Upload.objects.filter(pk=name).values_list("content", flat=True).first()
    except ValidationError:
        return None
    deleted, _by_model = Upload.objects.filter(pk=name).delete() if found else (0, {})
    return zlib.decompress(found) if found and deleted else None
