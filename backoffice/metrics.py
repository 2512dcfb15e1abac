"""Metrics of sign-ins to the admin."""

from prometheus_client import Counter

FAILED_SIGN_INS = Counter(
    "shop_failed_sign_ins_total", "Sign-ins to the admin that failed, by cause.", ["cause"]
)
WRONG, THROTTLED = "wrong", "throttled"
for cause in (WRONG, THROTTLED):
    FAILED_SIGN_INS.labels(cause)  # starts at 0, or Prometheus would miss the first failure
