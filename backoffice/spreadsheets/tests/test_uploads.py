"""A file between its preview and its import."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F

from backoffice.spreadsheets import uploads
from backoffice.spreadsheets.models import Upload
from backoffice.spreadsheets.tasks import forget_uploads
from products.models import Product
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return get_user_model().objects.create_user("otto")


def keep(owner, content: bytes = b"x"):
    return uploads.keep_upload(owner_id=owner.pk, model=Product, file_name="상품.csv", content=content)


def take(owner, pk, model=Product):
    file = uploads.take_upload(pk=pk, owner_id=owner.pk, model=model)
    return file and file["content"]


def grow_old(**which) -> None:
    Upload.objects.filter(**which).update(uploaded_at=F("uploaded_at") - timedelta(hours=25))


def test_file_is_taken_once_and_has_the_name_that_was_uploaded(owner):
    pk = keep(owner, b"\x00\xff")
    assert uploads.take_upload(pk=pk, owner_id=owner.pk, model=Product) == {
        "file_name": "상품.csv",
        "content": b"\x00\xff",
    }
    assert take(owner, pk) is None


def test_upload_belongs_to_its_owner_and_table(owner):
    pk = keep(owner)
    assert take(get_user_model().objects.create_superuser("root"), pk) is None
    assert take(owner, pk, User) is None
    assert take(owner, uuid4()) is None
    assert take(owner, pk) == b"x"


def test_upload_of_a_version_without_owners_is_not_found(owner):
    Upload.objects.create(content=b"x")
    assert take(owner, Upload.objects.get().pk) is None


def test_upload_that_is_not_confirmed_is_deleted_after_a_day(owner):
    old, new = keep(owner), keep(owner)
    grow_old(pk=old)
    assert take(owner, old) is None
    forget_uploads()
    assert Upload.objects.get().pk == new


def test_beat_has_old_uploads_deleted():
    assert forget_uploads.name in {each["task"] for each in settings.CELERY_BEAT_SCHEDULE.values()}
    assert forget_uploads.name in forget_uploads.app.tasks


def test_uploads_of_an_account_push_out_its_oldest(owner):
    other = keep(get_user_model().objects.create_user("anna"))
    kept = [keep(owner) for _ in range(uploads.MAX_PER_ACCOUNT + 2)]
    left = set(Upload.objects.values_list("pk", flat=True))
    assert left == {other, *kept[2:]}


@pytest.mark.parametrize(("bound", "most"), [("MAX_FILES", 2), ("MAX_TOTAL_BYTES", 25)])
def test_uploads_of_all_accounts_together_are_bounded(monkeypatch, bound, most):
    monkeypatch.setattr(uploads, bound, most)
    owners = [get_user_model().objects.create_user(f"{n}") for n in range(3)]
    keep(owners[0]), keep(owners[1])
    with pytest.raises(ValidationError) as caught:
        keep(owners[2])
    assert caught.value.code == "too_many_uploads"
    assert Upload.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_bounds_hold_for_uploads_at_once(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 3)
    together = Barrier(8)
    owners = [get_user_model().objects.create_user(f"{n}") for n in range(8)]

    def bring(owner) -> bool:
        together.wait()
        try:
            return bool(keep(owner))
        except ValidationError:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(bring, owners)) == 3
    assert Upload.objects.count() == 3


def test_uploads_are_deleted_with_their_account(owner):
    keep(owner)
    owner.delete()
    assert not Upload.objects.exists()
