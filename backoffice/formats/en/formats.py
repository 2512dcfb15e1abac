"""Dates and times as people write them in English: 22 Nov 2026, 19:05:07."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
MONTH_DAY_FORMAT = "j M"
DATETIME_FORMAT = "j M Y, H:i:s"
