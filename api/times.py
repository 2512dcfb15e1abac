"""Moments as the contract writes them."""

from datetime import datetime, timedelta, timezone

SEOUL = timezone(timedelta(hours=9))


def rfc3339(moment: datetime) -> str:
    """The moment with offset +09:00 and six fractional digits, always."""
    return moment.astimezone(SEOUL).isoformat(timespec="microseconds")
