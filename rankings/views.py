"""Best sellers over HTTP."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.http.serializers import serialize
from core.http.viewsets import PublicViewSet
from products.models import Product
from rankings.cache import best_sellers_kept
from rankings.serializers import BestSellersSerializer


class RankingViewSet(PublicViewSet):
    """The best sellers."""

    queryset = Product.objects.none()
    serializer_class = BestSellersSerializer
    pagination_class = None

    @extend_schema(
        tags=["rankings"],
        operation_id="get_best_sellers",
        summary="Get the best sellers of recent days",
        responses=BestSellersSerializer,
    )
    @action(detail=False)
    def products(self, _request: Request) -> Response:
        """The products with most units sold in the window."""
        ranking = best_sellers_kept(
            days=settings.RANKING_DAYS, size=settings.RANKING_SIZE, seconds=settings.RANKING_CACHE_SECONDS
        )
        return Response(serialize(BestSellersSerializer, ranking))
