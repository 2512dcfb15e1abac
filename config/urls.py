"""All URLs: the shop's endpoints on one router, its pages, the documentation and the admin."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from core.http.documents import SchemaView
from coupons.views import CouponViewSet, IssuedCouponViewSet
from orders.views import OrderViewSet
from points.views import PointViewSet
from products.views import ProductViewSet
from rankings.figures import sales_csv
from rankings.views import RankingViewSet

router = SimpleRouter(trailing_slash=False)
router.register("products", ProductViewSet, "product")
router.register("points", PointViewSet, "point")
router.register("coupons", CouponViewSet, "coupon")
router.register("issued-coupons", IssuedCouponViewSet, "issued-coupon")
router.register("orders", OrderViewSet, "order")
router.register("rankings", RankingViewSet, "ranking")

READ = ["get", "head"]

urlpatterns = [
    path("api/v1/", include(router.urls)),
    path("", include("core.http.urls")),
    path("api/schema", SchemaView.as_view(http_method_names=READ), name="schema"),
    path(
        "api/docs",
        SpectacularSwaggerSplitView.as_view(http_method_names=READ, template_name="core/docs.html"),
        name="docs",
    ),
    path("admin/i18n/", include("django.conf.urls.i18n")),
    path("admin/sales-by-<str:by>.csv", admin.site.admin_view(sales_csv), name="sales_csv"),
    path("admin/", admin.site.urls),
]
