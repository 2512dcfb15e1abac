"""Balances, and the append-only ledger that explains them."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.timestamps import within_calendar
from users.models import User


class PointAccountQuerySet(models.QuerySet["PointAccount"]):
    """Accounts, and the one lock that makes a user's charges and payments take turns."""

    def locked(self, *, user_id: int) -> "PointAccountQuerySet":
        """The user's account, locked until the transaction ends; inserts that refer to it are not blocked."""
        return self.select_for_update(of=("self",), no_key=True).filter(pk=user_id).order_by("pk")


class PointAccount(models.Model):
    """One user's balance in won; made on the first charge."""

    user = models.OneToOneField(User, models.PROTECT, primary_key=True, verbose_name=_("Member"))
    balance = models.BigIntegerField(_("Balance"), default=0, db_default=0)

    objects = PointAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("point balance")
        verbose_name_plural = _("point balances")
        constraints = [
            models.CheckConstraint(condition=Q(balance__gte=0), name="account_balance_not_negative")
        ]

    def __str__(self) -> str:
        return str(self.user)


class PointTransaction(models.Model):
    """A line of the ledger; the database refuses to change or delete it."""

    class Type(models.TextChoices):
        """Money in, money out."""

        CHARGE = "charge", _("Charge")
        PAYMENT = "payment", _("Payment")

    user = models.ForeignKey(User, models.PROTECT, db_index=False, verbose_name=_("Member"))
    type = models.CharField(_("Type"), max_length=10, choices=Type)
    amount = models.BigIntegerField(_("Amount"))
    balance_after = models.BigIntegerField(_("Balance after"))
    order = models.ForeignKey(
        "orders.Order", models.PROTECT, null=True, blank=True, db_index=False, verbose_name=_("Order")
    )
    idempotency_key = models.CharField(max_length=255, null=True, editable=False)
    request_hash = models.CharField(max_length=64, null=True, editable=False)
    created_at = models.DateTimeField(_("Recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("point ledger")
        indexes = [
            models.Index(fields=["user", "created_at", "id"], name="ledger_newest_first"),
            # Entries are only ever appended, so their blocks lie in the order of time.
            BrinIndex(fields=["created_at"], name="ledger_by_day", pages_per_range=16, autosummarize=True),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(type="charge", amount__gt=0, order=None)
                | Q(type="payment", amount__lt=0, order__isnull=False),
                name="ledger_type_fits_amount_and_order",
            ),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="ledger_balance_not_negative"),
            models.UniqueConstraint(
                fields=["user", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="ledger_one_charge_a_key",
            ),
            models.UniqueConstraint(fields=["order"], name="ledger_one_payment_an_order"),
            within_calendar("created_at", name="ledger_created_at_within_calendar"),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.amount:,}"
