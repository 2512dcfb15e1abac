"""First-come coupons: campaigns and issued coupons."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, Literal

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.db.fields import NameField, not_blank, positive_id
from core.timestamps import SUPPORTED_PERIOD, within_calendar
from users.models import User

Status = Literal["usable", "used", "expired"]
State = Literal["scheduled", "running", "sold_out", "closed"]
# The columns of DiscountTerms.
TERMS = ("name", "discount_type", "discount_value", "max_discount")


class DiscountTerms(models.Model):
    """The terms of a discount: a campaign's, copied to each coupon at its issue."""

    class Type(models.TextChoices):
        """An amount in won, or a percentage."""

        FIXED = "fixed", _("Fixed amount")
        PERCENT = "percent", _("Percentage")

    name = NameField(_("Coupon name"))
    discount_type = models.CharField(_("Discount type"), max_length=10, choices=Type)
    discount_value = models.BigIntegerField(
        _("Discount value"), help_text=_("Won for a fixed amount, 1–100 for a percentage")
    )
    max_discount = models.BigIntegerField(
        _("Maximum discount"),
        null=True,
        blank=True,
        help_text=_("Percentage coupons only, in won. Empty: no limit"),
    )

    units: ClassVar = {
        "discount_value": ("discount_type", {Type.FIXED: "won", Type.PERCENT: "percent"}),
        "max_discount": "won",
        "quantity": "coupons",
    }

    class Meta:
        abstract = True
        constraints = [
            not_blank(name="%(class)s_name_not_blank"),
            models.CheckConstraint(
                condition=Q(discount_type="fixed", discount_value__gte=1, max_discount=None)
                | Q(discount_type="percent", discount_value__range=(1, 100)),
                name="%(class)s_discount_value_fits_type",
                violation_error_message=_(
                    "A fixed amount is 1 won or more and has no maximum discount; a percentage is 1–100."
                ),
            ),
            models.CheckConstraint(
                condition=Q(max_discount=None) | Q(max_discount__gte=1),
                name="%(class)s_max_discount_positive",
                violation_error_message=_("A maximum discount is 1 won or more."),
            ),
        ]

    def discount_on(self, *, subtotal: int) -> int:
        """The won taken off a subtotal: percent rounded down and capped, never more than the subtotal."""
        if self.discount_type == self.Type.FIXED:
            return min(self.discount_value, subtotal)
        share = subtotal * self.discount_value // 100
        return share if self.max_discount is None else min(share, self.max_discount)


def status_of(issued: Any, *, now: datetime) -> Status:
    """The status of an issued coupon, a row of any kind, at a time."""
    if issued.used_at is not None:
        return "used"
    return "usable" if issued.issued_at <= now < issued.expires_at else "expired"


class CouponQuerySet(models.QuerySet["Coupon"]):
    """Campaigns."""

    def locked(self, *, coupon_ids: Collection[Any]) -> "CouponQuerySet":
        """Campaigns locked in the order of their ids until the transaction ends: none issues meanwhile."""
        return self.select_for_update(of=("self",), no_key=True).filter(pk__in=coupon_ids).order_by("pk")

    def in_period(self) -> "CouponQuerySet":
        """Campaigns that have begun and not ended by the database's clock, sold out or not."""
        begun = Q(opens_at=None) | Q(opens_at__lte=Now())
        not_ended = Q(closes_at=None) | Q(closes_at__gt=Now())
        return self.filter(begun & not_ended)

    def with_state(self, state: State) -> "CouponQuerySet":
        """Campaigns in a state of `Coupon.state_at`, by the database's clock."""
        if state == "scheduled":
            return self.filter(opens_at__gt=Now())
        if state == "closed":
            return self.filter(closes_at__lte=Now())
        has_left = Q(issued__lt=F("quantity"))
        return self.in_period().filter(has_left if state == "running" else ~has_left)


class Coupon(DiscountTerms):
    """A campaign: `quantity` coupons, first come first served, while it is open."""

    quantity = models.BigIntegerField(_("Quantity"))
    issued = models.BigIntegerField(_("Issued"), default=0, db_default=0, editable=False)
    opens_at = models.DateTimeField(_("Opens"), null=True, blank=True)
    closes_at = models.DateTimeField(_("Closes"), null=True, blank=True)
    created_at = models.DateTimeField(_("Registered at"), db_default=Now(), editable=False)

    objects = CouponQuerySet.as_manager()

    class Meta(DiscountTerms.Meta):
        abstract = False
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = [
            positive_id(name="coupon_id_positive"),
            *DiscountTerms.Meta.constraints,
            models.CheckConstraint(
                condition=Q(quantity__gte=0),
                name="coupon_quantity_not_negative",
                violation_error_message=_("A quantity is 0 or more."),
            ),
            models.CheckConstraint(
                condition=Q(issued__gte=0, issued__lte=F("quantity")), name="coupon_issued_within_quantity"
            ),
            models.CheckConstraint(
                condition=(Q(opens_at=None) | Q(opens_at__range=SUPPORTED_PERIOD))
                & (Q(closes_at=None) | Q(closes_at__range=SUPPORTED_PERIOD)),
                name="coupon_period_within_calendar",
                violation_error_message=_(
                    "A period lies between the years 1900 and 9998. Leave it empty where it has no bound."
                ),
            ),
            models.CheckConstraint(
                condition=Q(opens_at=None) | Q(closes_at=None) | Q(opens_at__lt=F("closes_at")),
                name="coupon_opens_before_it_closes",
                violation_error_message=_("It opens before it closes."),
            ),
            within_calendar("created_at", name="coupon_created_at_within_calendar"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    @property
    def remaining(self) -> int:
        return self.quantity - self.issued

    def state_at(self, now: datetime) -> State:
        """The campaign's state at a time; `sold_out` is an open campaign without coupons left."""
        if self.opens_at is not None and now < self.opens_at:
            return "scheduled"
        if self.closes_at is not None and self.closes_at <= now:
            return "closed"
        return "running" if self.remaining else "sold_out"


# The same conditions as `status_of`, by the database's clock.
UNUSED, IN_TIME = Q(used_at=None), Q(issued_at__lte=Now(), expires_at__gt=Now())


class IssuedCouponQuerySet(models.QuerySet["IssuedCoupon"]):
    """Issued coupons."""

    def with_status(self, status: Status) -> "IssuedCouponQuerySet":
        """Coupons that are usable, used or expired by the database's clock."""
        meaning = {"usable": UNUSED & IN_TIME, "used": ~UNUSED, "expired": UNUSED & ~IN_TIME}
        return self.filter(meaning[status])


class IssuedCoupon(DiscountTerms):
    """One user's coupon of a campaign, with the terms as they were when it was issued."""

    coupon = models.ForeignKey(Coupon, models.PROTECT, db_index=False, verbose_name=_("Coupon"))
    user = models.ForeignKey(User, models.PROTECT, db_index=False, verbose_name=_("Member"))
    sequence = models.BigIntegerField(_("Issue number"))
    issued_at = models.DateTimeField(_("Issued at"), db_default=Now())
    expires_at = models.DateTimeField(_("Expires at"))
    used_at = models.DateTimeField(_("Used at"), null=True, blank=True)

    objects = IssuedCouponQuerySet.as_manager()

    class Meta(DiscountTerms.Meta):
        abstract = False
        verbose_name = _("issued coupon")
        verbose_name_plural = _("issued coupons")
        indexes = [
            models.Index(fields=["user", "issued_at", "id"], name="issued_coupon_newest_first"),
            # Rows lie in the order of time; one that is used may move behind those of a month later.
            BrinIndex(
                fields=["issued_at"],
                name="issued_coupon_by_day",
                opclasses=["timestamptz_minmax_multi_ops"],
                pages_per_range=16,
                autosummarize=True,
            ),
        ]
        constraints = [
            positive_id(name="issued_coupon_id_positive"),
            *DiscountTerms.Meta.constraints,
            models.UniqueConstraint(fields=["coupon", "user"], name="issued_coupon_one_a_user"),
            models.UniqueConstraint(fields=["coupon", "sequence"], name="issued_coupon_one_a_sequence"),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="issued_coupon_sequence_from_1"),
            models.CheckConstraint(
                condition=Q(issued_at__lt=F("expires_at")), name="issued_coupon_issued_before_it_expires"
            ),
            within_calendar(
                "issued_at", "expires_at", "used_at", name="issued_coupon_moments_within_calendar"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.sequence} ({self.pk})"
