"""The names that RATE_LIMITS can have: those of config/urls.py, which the settings cannot import."""

from core.rates import Rate, rates

ENDPOINTS = {
    *("product-list", "product-retrieve"),
    *("point-list", "point-charges", "point-transactions"),
    *("coupon-list", "coupon-retrieve", "coupon-issue"),
    *("issued-coupon-list", "issued-coupon-retrieve"),
    *("order-list", "order-retrieve", "order-create", "order-quote"),
    "ranking-products",
}


def rate_limits(text: str) -> dict[str, Rate]:
    """As `rates` reads them. Raises ValueError, too, for a name of no endpoint: its limit would not count."""
    limits = rates(text)
    if limits.keys() - ENDPOINTS - {"*"}:
        raise ValueError(f"names what is no endpoint; these are: {', '.join(sorted(ENDPOINTS))}")
    return limits
