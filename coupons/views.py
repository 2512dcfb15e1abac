"""Coupons over HTTP."""

from typing import cast

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.http.schema import LOCATION, refuses
from core.http.serializers import NoInput, serialize, validate_input
from core.http.viewsets import ApiViewSet, PublicViewSet, row_id
from core.problems import InputError, Invalid
from coupons import selectors, services
from coupons.models import Coupon, IssuedCoupon, Status
from coupons.problems import CouponAlreadyIssued, CouponNotOpen, CouponSoldOut
from coupons.serializers import STATUSES, CouponSerializer, IssuedCouponSerializer
from users.authentication import GatewayAuthentication, IsRegistered


@extend_schema(tags=["coupons"])
@extend_schema_view(
    list=extend_schema(operation_id="list_coupons", summary="List coupon campaigns", auth=[]),
    retrieve=extend_schema(operation_id="get_coupon", summary="Get a coupon campaign", auth=[]),
)
class CouponViewSet(PublicViewSet):
    """Campaigns are public; taking a coupon is for registered users."""

    queryset = Coupon.objects.none()
    serializer_class = CouponSerializer

    def list(self, request: Request) -> Response:
        """Campaigns are public; taking a coupon is for registered users."""
        return self.page(request, selectors.campaigns)

    def retrieve(self, _request: Request, pk: str) -> Response:
        """Campaigns are public; taking a coupon is for registered users."""
        return self.one(selectors.campaign(coupon_id=row_id(pk)))

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
    )
    def issue(self, request: Request, pk: str) -> Response:
        """One per user and campaign."""
        validate_input(NoInput, request.data)
        issued = services.issue(user_id=self.caller_id, coupon_id=row_id(pk))
        headers = self.location(basename="issued-coupon", pk=issued.pk)
        return Response(serialize(IssuedCouponSerializer, issued), status=201, headers=headers)


@extend_schema(tags=["coupons"])
@extend_schema_view(
    list=extend_schema(
        operation_id="list_issued_coupons",
        summary="List the caller's coupons, newest first",
        parameters=[OpenApiParameter("status", enum=STATUSES)],
    ),
    retrieve=extend_schema(operation_id="get_issued_coupon", summary="Get one of the caller's coupons"),
)
class IssuedCouponViewSet(ApiViewSet):
    """The caller's issued coupons."""

    queryset = IssuedCoupon.objects.none()
    serializer_class = IssuedCouponSerializer
    ordering = selectors.NEWEST_FIRST

    def list(self, request: Request) -> Response:
        """The caller's issued coupons."""
        user_id, status = self.caller_id, _status(request)
        return self.page(
            request, lambda page: selectors.issued_coupons_of(user_id=user_id, status=status, page=page)
        )

    def retrieve(self, _request: Request, pk: str) -> Response:
        """The caller's issued coupons."""
        held = selectors.issued_coupon_of(user_id=self.caller_id, issued_coupon_id=row_id(pk))
        return self.one(held)


def _status(request: Request) -> Status | None:
    status = request.query_params.get("status")
    if not status:
        return None
    if status not in STATUSES:
        raise Invalid(errors=[InputError("parameter", "status", "status")])
    return cast("Status", status)
