"""Uploaded files, kept from their preview until they are confirmed."""

import zlib
from datetime import timedelta
from typing import TypedDict
from uuid import UUID

from django.db import connection
from django.db.models import Count, Model, Sum
from django.db.models.functions import Coalesce, Length, Now

from backoffice.spreadsheets.models import Upload
from backoffice.spreadsheets.refusals import refusal
from core.db.transactions import atomic_with_retries

KEPT = timedelta(days=1)
# Of one account; the oldest give way to its next one.
MAX_PER_ACCOUNT = 5
# Of all accounts, compressed as they are kept.
MAX_FILES = 100
MAX_TOTAL_BYTES = 256 * 1024 * 1024


@atomic_with_retries
def keep_upload(*, owner_id: int, model: type[Model], file_name: str, content: bytes) -> UUID:
    """Keep a file for its import into a model's table; the key to take it by.

    Raises ValidationError where all that is kept would be more than MAX_FILES or MAX_TOTAL_BYTES, Busy where
    others keep so many at once that the lock is not obtained in time.
    """
    compressed = zlib.compress(content, 1)
    with connection.cursor() as cursor:
        # What two add at once would both be within the bounds, and their sum beyond.
        cursor.execute(f"LOCK TABLE {Upload._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")  # noqa: SLF001
    own = Upload.objects.filter(owner_id=owner_id).order_by("-uploaded_at", "-pk").values("pk")
    Upload.objects.filter(pk__in=[*own[MAX_PER_ACCOUNT - 1 :].values_list("pk", flat=True)]).delete()
    kept = Upload.objects.aggregate(files=Count("pk"), bytes=Coalesce(Sum(Length("content")), 0))
    if kept["files"] >= MAX_FILES or kept["bytes"] + len(compressed) > MAX_TOTAL_BYTES:
        raise refusal("too_many_uploads")
    pk: UUID = Upload.objects.create(
        owner_id=owner_id, target=_target(model), name=file_name[:255], content=compressed
    ).pk
    return pk


class KeptFile(TypedDict):
    """A file as it was uploaded."""

    file_name: str
    content: bytes


def take_upload(*, pk: UUID, owner_id: int, model: type[Model]) -> KeptFile | None:
    """The file, for who asks first; None for the second, after a day, and for another account or table."""
    own = Upload.objects.filter(pk=pk, owner_id=owner_id, target=_target(model))
    found = own.filter(uploaded_at__gt=Now() - KEPT).first()
    if found is None or not own.delete()[0]:
        return None
    return {"file_name": found.name, "content": zlib.decompress(found.content)}


def forget_old_uploads() -> int:
    deleted, _by_model = Upload.objects.filter(uploaded_at__lte=Now() - KEPT).delete()
    return deleted


def _target(model: type[Model]) -> str:
    return model._meta.label_lower  # noqa: SLF001 - documented API
