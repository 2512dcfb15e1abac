"""Coupons over HTTP."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from api.input_errors import InputError, Invalid
from api.pagination import Cursored
from api.schema import LOCATION, refuses
from api.serializers import NoInput, shown
from api.viewsets import ApiViewSet, PublicViewSet
from coupons import selectors, services
from coupons.models import Coupon, IssuedCoupon, IssuedCouponQuerySet
from coupons.problems import CouponAlreadyIssued, CouponNotOpen, CouponSoldOut
from coupons.serializers import STATUSES, CouponSerializer, IssuedCouponSerializer
from users.authentication import GatewayAuthentication, IsRegistered, caller


@extend_schema(tags=["coupons"])
@extend_schema_view(
    list=extend_schema(operation_id="list_coupons", summary="List coupon campaigns", auth=[]),
    retrieve=extend_schema(operation_id="get_coupon", summary="Get a coupon campaign", auth=[]),
)
class CouponViewSet(ListModelMixin, RetrieveModelMixin, PublicViewSet):
    """Campaigns are public; taking a coupon is for registered users."""

    queryset = Coupon.objects.all()
    serializer_class = CouponSerializer

    @extend_schema(
        operation_id="issue_coupon",
        summary="Issue a coupon to the caller, first come first served",
        request=None,
        responses={201: IssuedCouponSerializer},
        parameters=[LOCATION],
    )
    @refuses(CouponNotOpen, CouponAlreadyIssued, CouponSoldOut, topic="Issue")
    @action(
        detail=True,
        methods=["post"],
        authentication_classes=[GatewayAuthentication],
        permission_classes=[IsRegistered],
        serializer_class=NoInput,
    )
    def issue(self, request: Request, pk: str) -> Response:
        """One per user and campaign."""
        self.validated(request.data)
        issued = services.issue(user_id=caller(request).pk, coupon_id=int(pk))
        headers = self.location(basename="issued-coupon", pk=issued.pk)
        return Response(shown(IssuedCouponSerializer, issued), status=201, headers=headers)


class NewestIssuedFirst(Cursored):
    """Issued coupons' order."""

    ordering = ("-issued_at", "-id")


@extend_schema(tags=["coupons"])
@extend_schema_view(
    list=extend_schema(
        operation_id="list_issued_coupons",
        summary="List the caller's coupons, newest first",
        parameters=[OpenApiParameter("status", enum=STATUSES)],
    ),
    retrieve=extend_schema(operation_id="get_issued_coupon", summary="Get one of the caller's coupons"),
)
class IssuedCouponViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet):
    """What the caller holds."""

    queryset = IssuedCoupon.objects.none()
    serializer_class = IssuedCouponSerializer
    pagination_class = NewestIssuedFirst

    def get_queryset(self) -> IssuedCouponQuerySet:
        """The caller's coupons and nobody else's, those of one status where asked for. Raises Invalid."""
        issued = selectors.issued_coupons_of(user_id=caller(self.request).pk)
        status = self.request.query_params.get("status")
        if self.action == "retrieve" or not status:
            return issued
        if status not in STATUSES:
            raise Invalid(errors=[InputError("parameter", "status", "status")])
        return issued.with_status(status)
