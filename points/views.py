"""Points over HTTP."""

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.http.idempotency import IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, idempotency_key, replay_headers
from core.http.pagination import KeysetPagination
from core.http.schema import refuses
from core.http.serializers import serialize, validate_input
from core.http.viewsets import ApiViewSet
from core.problems import IdempotencyKeyReused
from points import selectors, services
from points.models import PointTransaction
from points.problems import BalanceOverflow
from points.serializers import ChargeSerializer, LedgerEntrySerializer, PointBalanceSerializer


@extend_schema(tags=["points"])
class PointViewSet(ApiViewSet):
    """The caller's points."""

    queryset = PointTransaction.objects.none()
    pagination_class = None

    @extend_schema(
        operation_id="get_balance",
        summary="Get the caller's balance",
        responses=forced_singular_serializer(PointBalanceSerializer),
    )
    def list(self, _request: Request) -> Response:
        """The current balance; 0 for a user who never charged."""
        balance = selectors.balance_of(user_id=self.caller_id)
        return Response(serialize(PointBalanceSerializer, balance))

    @extend_schema(
        operation_id="charge_points",
        summary="Charge points to the caller",
        request=ChargeSerializer,
        responses={201: LedgerEntrySerializer},
        parameters=[IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED],
    )
    @refuses(IdempotencyKeyReused, BalanceOverflow)
    @action(detail=False, methods=["post"])
    def charges(self, request: Request) -> Response:
        """Credit the caller."""
        amount = validate_input(ChargeSerializer, request.data)["amount"]
        charged = services.charge(user_id=self.caller_id, amount=amount, key=idempotency_key(request))
        return Response(
            serialize(LedgerEntrySerializer, charged.instance), status=201, headers=replay_headers(charged)
        )

    @extend_schema(
        operation_id="list_transactions",
        summary="List the caller's ledger, newest first",
        responses=LedgerEntrySerializer(many=True),
    )
    @action(
        detail=False,
        serializer_class=LedgerEntrySerializer,
        pagination_class=KeysetPagination,
        ordering=selectors.NEWEST_FIRST,
    )
    def transactions(self, request: Request) -> Response:
        """A page of the ledger."""
        return self.page(request, lambda page: selectors.ledger_of(user_id=self.caller_id, page=page))
