"""The read models after a restore: added up again, and nothing kept from before it."""

from django.conf import settings

from rankings import cache, hours, services


def bring_up_to_date() -> str:
    """Add up the whole window. Raises HistoryKeepsChanging where somebody rewrites it meanwhile."""
    cache.forget()
    rebuilt = services.recompute(days=settings.RANKING_DAYS, from_scratch=True)
    hours.fill_hours(from_scratch=True)
    return f"best sellers and sales by hour added up until {rebuilt.to_at:%F %H:%M:%S} UTC"
