"""Dates and times as people write them in Korean: 2026년 11월 22일 오후 7:05."""

DATE_FORMAT = "Y년 n월 j일"
TIME_FORMAT = "A g:i"
MONTH_DAY_FORMAT = "n월 j일"
DATETIME_FORMAT = "Y년 n월 j일 A g:i"
