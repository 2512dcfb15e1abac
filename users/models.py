"""The member: whoever may call the shop. Staff who sign in to the admin are Django's own users."""

from django.db import models
from django.db.models.functions import Now

from api.names import NameField, not_blank


class User(models.Model):
    """A registered member; a plain row, without password or privileges."""

    name = NameField("이름")
    created_at = models.DateTimeField("등록 시각", db_default=Now(), editable=False)

    class Meta:
        verbose_name = "회원"
        verbose_name_plural = "회원"
        constraints = [not_blank(name="user_name_not_blank")]

    def __str__(self) -> str:
        return str(self.name)
