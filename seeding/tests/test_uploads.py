"""A file between its preview and its import."""

from datetime import timedelta

import pytest
from django.db.models import F

from seeding import uploads
from seeding.models import Upload
from seeding.uploads import UploadStorage

pytestmark = pytest.mark.django_db


def keep(data: bytes) -> str:
    storage = UploadStorage()
    storage.save(data)
    return storage.name


def test_a_file_is_taken_once():
    name = keep(b"\x00\xff")
    assert uploads.take(name=name) == b"\x00\xff"
    assert uploads.take(name=name) is None


def test_a_file_that_nobody_confirmed_is_forgotten_after_a_day():
    old, new = keep(b"old"), keep(b"new")
    Upload.objects.filter(pk=old).update(uploaded_at=F("uploaded_at") - timedelta(hours=25))
    keep(b"newest")
    assert uploads.take(name=old) is None
    assert uploads.take(name=new) == b"new"
