"""Timestamps as the contract writes them, and the ones that columns take."""

from datetime import UTC, datetime, timedelta, timezone

from django.db.models import CheckConstraint, Q

SEOUL = timezone(timedelta(hours=9))
# Neither infinity nor a year that Python, RFC 3339 or an offset cannot show.
SUPPORTED_PERIOD = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


def rfc3339(timestamp: datetime) -> str:
    """The timestamp with offset +09:00 and six fractional digits, always."""
    return timestamp.astimezone(SEOUL).isoformat(timespec="microseconds")


def within_calendar(*columns: str, name: str) -> CheckConstraint:
    """Refuses timestamps which no answer can show; NULL is taken."""
    return CheckConstraint(
        condition=Q(**{f"{column}__range": SUPPORTED_PERIOD for column in columns}), name=name
    )
