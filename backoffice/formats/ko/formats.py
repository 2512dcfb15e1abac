"""Dates and times as people write them in Korean: 2026-11-22 19:05:07."""

DATE_FORMAT = "Y년 n월 j일"
TIME_FORMAT = "H:i"
MONTH_DAY_FORMAT = "n월 j일"
DATETIME_FORMAT = "Y-m-d H:i:s"
