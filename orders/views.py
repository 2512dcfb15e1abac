"""Orders over HTTP."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.http.idempotency import IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, idempotency_key, replay_headers
from core.http.schema import LOCATION, refuses
from core.http.serializers import serialize, validate_input
from core.http.viewsets import ApiViewSet, row_id
from core.problems import IdempotencyKeyReused
from orders import selectors, services
from orders.models import Order
from orders.serializers import (
    BasketSerializer,
    OrderQuoteSerializer,
    OrderSerializer,
    PlacedOrderSerializer,
)
from orders.services import Basket


@extend_schema(tags=["orders"])
@extend_schema_view(
    list=extend_schema(operation_id="list_orders", summary="List the caller's orders, newest first"),
    retrieve=extend_schema(operation_id="get_order", summary="Get an order"),
)
class OrderViewSet(ApiViewSet):
    """The caller's orders."""

    queryset = Order.objects.none()
    serializer_class = OrderSerializer
    ordering = selectors.NEWEST_FIRST

    def list(self, request: Request) -> Response:
        """The caller's orders."""
        return self.page(request, lambda page: selectors.orders_of(user_id=self.caller_id, page=page))

    def retrieve(self, _request: Request, pk: str) -> Response:
        """The caller's orders."""
        return self.one(selectors.order_of(user_id=self.caller_id, order_id=row_id(pk)))

    @extend_schema(
        operation_id="place_order",
        summary="Place an order (all or nothing)",
        request=BasketSerializer,
        responses={201: PlacedOrderSerializer},
        parameters=[IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, LOCATION],
    )
    @refuses(*services.REFUSALS, IdempotencyKeyReused, topic="Order")
    def create(self, request: Request) -> Response:
        """Check out."""
        placed = services.checkout(
            basket=self._basket(request),
            key=idempotency_key(request),
            request_id=getattr(request, "request_id", ""),
        )
        headers = self.location(basename="order", pk=placed.instance.id) | replay_headers(placed)
        return Response(serialize(PlacedOrderSerializer, placed.instance), status=201, headers=headers)

    @extend_schema(
        operation_id="quote_order",
        summary="Quote an order",
        request=BasketSerializer,
        responses=OrderQuoteSerializer,
    )
    @refuses(*services.REFUSALS, topic="Order")
    @action(detail=False, methods=["post"])
    def quote(self, request: Request) -> Response:
        """Price a basket and write nothing."""
        return Response(serialize(OrderQuoteSerializer, services.quote(basket=self._basket(request))))

    def _basket(self, request: Request) -> Basket:
        wanted = validate_input(BasketSerializer, request.data)
        return Basket(
            user_id=self.caller_id,
            quantities={item["product_id"]: item["quantity"] for item in wanted["items"]},
            issued_coupon_id=wanted["issued_coupon_id"],
            expected_total=wanted["expected_total"],
        )
