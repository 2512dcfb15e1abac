"""Orders over HTTP."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, IdempotencyKeyReused, claim_of
from api.pagination import Cursored
from api.schema import LOCATION, refuses
from api.serializers import shown
from api.viewsets import ApiViewSet
from orders import selectors, services
from orders.models import Order
from orders.serializers import (
    BasketSerializer,
    OrderSerializer,
    PlacedOrderSerializer,
    QuoteSerializer,
    basket_of,
)
from orders.services import Basket
from users.authentication import caller


class NewestOrdersFirst(Cursored):
    """Orders' order."""

    ordering = ("-ordered_at", "-id")


@extend_schema(tags=["orders"])
@extend_schema_view(
    list=extend_schema(summary="The caller's orders, newest first"),
    retrieve=extend_schema(summary="One of the caller's orders"),
)
class OrderViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet):
    """The caller's orders."""

    queryset = Order.objects.none()
    serializer_class = OrderSerializer
    pagination_class = NewestOrdersFirst
    proven_by_writing = frozenset({"create"})

    def get_queryset(self) -> QuerySet[Any]:
        """The caller's orders and nobody else's."""
        return selectors.orders_of(user_id=caller(self.request).pk)

    @extend_schema(
        summary="Buy a basket: all of it or nothing",
        request=BasketSerializer,
        responses={201: PlacedOrderSerializer},
        parameters=[IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, LOCATION],
    )
    @refuses(*services.REFUSALS, IdempotencyKeyReused)
    def create(self, request: Request) -> Response:
        """Check out."""
        placed = services.checkout(basket=self._basket(request), claim=claim_of(request))
        headers = self.location(basename="order", pk=placed.made.pk) | placed.headers
        return Response(shown(PlacedOrderSerializer, placed.made), status=201, headers=headers)

    @extend_schema(
        summary="What buying the basket would take", request=BasketSerializer, responses=QuoteSerializer
    )
    @refuses(*services.REFUSALS)
    @action(detail=False, methods=["post"])
    def quote(self, request: Request) -> Response:
        """Price a basket and write nothing."""
        return Response(shown(QuoteSerializer, services.quote(basket=self._basket(request))))

    def _basket(self, request: Request) -> Basket:
        return basket_of(user_id=caller(request).pk, data=request.data)
