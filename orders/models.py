"""Orders, their line items, and the event each one owes the data platform."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast, Now
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from core.db.fields import positive_id
from core.timestamps import within_calendar
from core.traces import LONGEST_TRACEPARENT
from coupons.models import IssuedCoupon
from orders.outbox.sources import DEFAULT_SOURCE, LONGEST_SOURCE
from products.models import Product
from users.models import User


class Order(models.Model):
    """A paid order; the row is also the claim of its idempotency key."""

    class Status(models.TextChoices):
        """An order exists only once it is paid."""

        PAID = "paid", _("Paid")

    user = models.ForeignKey(User, models.PROTECT, db_index=False, verbose_name=_("Member"))
    status = models.CharField(
        _("State"), max_length=10, choices=Status, default=Status.PAID, db_default=Status.PAID
    )
    subtotal = models.BigIntegerField(_("Subtotal"))
    discount = models.BigIntegerField(_("Discount"), default=0, db_default=0)
    total = models.BigIntegerField(_("Total"))
    issued_coupon = models.OneToOneField(
        IssuedCoupon, models.PROTECT, null=True, blank=True, verbose_name=_("Coupon used")
    )
    balance_after = models.BigIntegerField(_("Balance after payment"))
    idempotency_key = models.CharField(max_length=255, null=True, editable=False)
    request_hash = models.CharField(max_length=64, null=True, editable=False)
    ordered_at = models.DateTimeField(_("Ordered at"), db_default=Now(), db_index=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [models.Index(fields=["user", "ordered_at", "id"], name="order_newest_first")]
        constraints = [
            positive_id(name="order_id_positive"),
            models.UniqueConstraint(
                fields=["user", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="order_one_a_key",
            ),
            models.CheckConstraint(
                condition=Q(total=F("subtotal") - F("discount"), total__gte=0, discount__gte=0),
                name="order_total_is_subtotal_less_discount",
            ),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="order_balance_not_negative"),
            models.CheckConstraint(condition=Q(status="paid"), name="order_status_known"),
            within_calendar("ordered_at", name="order_ordered_at_within_calendar"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class OrderItem(models.Model):
    """A line item: name and price as they were when it was bought."""

    order = models.ForeignKey(
        Order, models.PROTECT, related_name="items", db_index=False, verbose_name=_("Order")
    )
    product = models.ForeignKey(Product, models.PROTECT, verbose_name=_("Product"))
    product_name = models.CharField(_("Product name"), max_length=100)
    unit_price = models.BigIntegerField(_("Unit price"))
    quantity = models.BigIntegerField(_("Quantity"))

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [
            models.UniqueConstraint(fields=["order", "product"], name="order_item_product_once"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="order_item_price_not_negative"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_item_quantity_positive"),
            # Or the sums of the best sellers would end in an error.
            models.CheckConstraint(
                condition=LessThanOrEqual(
                    Cast("unit_price", models.DecimalField(max_digits=38, decimal_places=0)) * F("quantity"),
                    models.BigIntegerField.MAX_BIGINT,
                ),
                name="order_item_amount_within_bigint",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_name} × {self.quantity}"

    @property
    def amount(self) -> int:
        return self.unit_price * self.quantity


class OrderEventQuerySet(models.QuerySet["OrderEvent"]):
    """Events of the outbox."""

    def locked(self) -> "OrderEventQuerySet":
        """These, by ascending id, each locked until the transaction ends."""
        return self.select_for_update(of=("self",), no_key=True).order_by("pk")

    def redeliver(self) -> int:
        """Make all of these due now, in any state; returns how many.

        Several are to be `locked` before: an UPDATE takes its rows in any order.
        """
        return self.update(
            state=OrderEvent.State.PENDING,
            attempts=0,
            next_attempt_at=Now(),
            leased_until=None,
            delivered_at=None,
        )


class TimeOrderedUUID(models.Func):
    """A UUID that begins with the time: rows made together stand together in its index."""

    template = "uuidv7()"
    output_field = models.UUIDField()


class OrderEvent(models.Model):
    """A line of the outbox, written in checkout's transaction; the body is rendered from the order."""

    class State(models.TextChoices):
        """The state of delivery."""

        PENDING = "pending", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        DEAD = "dead", _("Failed")

    id = models.UUIDField(primary_key=True, db_default=TimeOrderedUUID(), editable=False)
    order = models.OneToOneField(Order, models.PROTECT, related_name="event", verbose_name=_("Order"))
    state = models.CharField(
        _("State"), max_length=10, choices=State, default=State.PENDING, db_default=State.PENDING
    )
    attempts = models.IntegerField(_("Attempts"), default=0, db_default=0)
    next_attempt_at = models.DateTimeField(_("Next attempt"), db_default=Now())
    leased_until = models.DateTimeField(_("Leased until"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("Delivered at"), null=True, blank=True)
    last_error = models.TextField(_("Last error"), default="", db_default="", blank=True)
    # The id of the request that placed the order; it connects the logs of web, worker and platform.
    request_id = models.CharField(
        _("Request id"), max_length=64, default="", db_default="", blank=True, editable=False
    )
    # EVENT_SOURCE when the order was placed, so that a repeat is the same after a change of the setting.
    source = models.CharField(
        max_length=LONGEST_SOURCE, default=DEFAULT_SOURCE, db_default=DEFAULT_SOURCE, editable=False
    )
    # Of the span that placed the order, where traces are on.
    traceparent = models.CharField(
        max_length=LONGEST_TRACEPARENT, default="", db_default="", blank=True, editable=False
    )

    objects = OrderEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("order event")
        verbose_name_plural = _("order events")
        permissions = [("redeliver_orderevent", _("Can send order event again"))]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"], condition=Q(state="pending"), name="event_pending_by_turn"
            ),
            models.Index(fields=["state"], condition=Q(state="dead"), name="event_dead"),
            models.Index(fields=["request_id"], name="event_by_request_id"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="delivered", delivered_at__isnull=False)
                | Q(state__in=["pending", "dead"], delivered_at=None),
                name="event_state_fits_delivered_at",
            ),
            # An overflow at the largest integer would stop every sweep, for all events.
            models.CheckConstraint(condition=Q(attempts__range=(0, 10**6)), name="event_attempts_bounded"),
            within_calendar(
                "next_attempt_at", "leased_until", "delivered_at", name="event_moments_within_calendar"
            ),
        ]

    def __str__(self) -> str:
        # The end of its id: those of one time begin alike.
        return f"…{str(self.pk)[-8:]}"

    @property
    def due_at(self) -> datetime | None:
        """When it is to be sent, while it still is."""
        return self.next_attempt_at if self.state == self.State.PENDING else None
