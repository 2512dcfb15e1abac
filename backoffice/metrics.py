"""The admin's metrics."""

from prometheus_client import Counter

FAILED_SIGN_INS = Counter(
    "shop_failed_sign_ins_total", "Sign-ins to the admin that failed, by cause.", ["cause"]
)
