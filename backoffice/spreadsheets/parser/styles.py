"""How an XLSX file shows its numbers: a date is one whose format shows days or hours."""

import re

DATE, SCALED, DRESSED, PLAIN = "date", "scaled", "dressed", "plain"

# What a format writes as it is, or says of colour and language; elapsed time, as in [h]:mm, is no date.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_PARTS_OF_A_DATE = re.compile("[dmyhs]", re.IGNORECASE)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
# A comma behind the last digit leaves three digits out.
_SCALED = re.compile(r"%|[0#?],+(?![0#?,])")
_MAX_FORMAT_CHARS = 1_000


# Those that a workbook need not define, by number: ECMA-376 part 1, 18.8.30, East Asian ones included. 0, 1
# and 49, which are left out, are whole numbers without more, and text.
BUILT_IN = {
    **{f"{number}": DATE for number in (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))},
    **{f"{number}": DRESSED for number in (*range(2, 9), *range(11, 14), *range(37, 45), 48)},
    **{f"{number}": SCALED for number in (9, 10)},
}


def kind_of(code: str) -> str:
    """What a number format does to a number.

    PLAIN shows a whole number's digits as they are, DRESSED otherwise (`007`, `1,000`), SCALED another number
    (`100%` for 1), DATE a date or a time of day.
    """
    if is_date(code):
        return DATE
    if code.strip().casefold() in {"", "general", "0", "#", "@"}:
        return PLAIN
    return SCALED if _SCALED.search(_LITERAL.sub("", code[:_MAX_FORMAT_CHARS])) else DRESSED


def is_date(code: str) -> bool:
    """Whether a number format shows a date or a time of day."""
    shown = code[:_MAX_FORMAT_CHARS].partition(";")[0]
    return not _ELAPSED.search(shown) and bool(_PARTS_OF_A_DATE.search(_LITERAL.sub("", shown)))
