"""Dates and times as people write them in English: 22 Nov 2026, 7:05 PM."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "g:i A"
MONTH_DAY_FORMAT = "j M"
DATETIME_FORMAT = "j M Y, g:i A"
