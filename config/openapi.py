"""Settings of drf-spectacular for the OpenAPI document and its page."""

SPECTACULAR_SETTINGS = {
    "TITLE": "pointshop",
    "VERSION": "1",
    "DESCRIPTION": "Points, first-come coupons, orders and best sellers.",
    "CONTACT": {"name": "pointshop"},
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "SERVERS": [{"url": "/", "description": "The shop that serves this document."}],
    # In the order of a purchase, as are the endpoints in config/urls.py.
    "TAGS": [
        {"name": "products", "description": "Products for sale, with their current stock."},
        {"name": "points", "description": "The caller's balance, charges and ledger. 1 point is 1 won."},
        {"name": "coupons", "description": "Campaigns, first come first served, and the caller's coupons."},
        {"name": "orders", "description": "Quotes, and orders that are paid at once or not made."},
        {"name": "rankings", "description": "What sells best."},
        {"name": "events", "description": "The events that the shop posts to the data platform."},
    ],
    "SORT_OPERATIONS": False,
    "OAS_VERSION": "3.1.1",
    "SERVE_PERMISSIONS": [],
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": True},
    "SWAGGER_UI_FAVICON_HREF": "/static/api/favicon.svg",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "DEFAULT_GENERATOR_CLASS": "core.http.schema.EnglishGenerator",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.http.schema_components.complete",
        # Its schemas say themselves what is required.
        "orders.webhooks.document_webhook",
    ],
    "ENUM_NAME_OVERRIDES": {
        "OrderStatus": "orders.models.Order.Status",
        "DiscountType": "coupons.models.DiscountTerms.Type",
        "LedgerEntryType": "points.models.PointTransaction.Type",
        "IssuedCouponStatus": "coupons.serializers.STATUSES",
    },
}
