"""Prometheus metrics of coupons."""

from prometheus_client import Counter

ISSUES = Counter("shop_coupon_issues_total", "Coupons issued.")
