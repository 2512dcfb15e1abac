"""Coupons as Prometheus sees them."""

from prometheus_client import Counter

ISSUES = Counter("shop_coupon_issues_total", "Coupons issued.")
