"""How an XLSX file shows its numbers: a date is one whose format shows days or hours."""

import re
from collections.abc import Iterator

from backoffice.spreadsheets.parser.limits import MAX_STYLES, Refused
from backoffice.spreadsheets.parser.package import MAIN, Attributes, Package, Part

# ECMA-376 part 1, 18.8.30, East Asian ones included.
_BUILT_IN = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)}
# Whole numbers without more, and text; percentages show a hundred times the number.
_PLAIN = {0, 1, 49}
_PERCENTAGES = {9, 10}
_BUILT_IN_NUMBERS = {*range(14), *range(37, 45), 48, 49}
# What a format writes as it is, or says of colour and language; elapsed time, as in [h]:mm, is no date.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_PARTS_OF_A_DATE = re.compile("[dmyhs]", re.IGNORECASE)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
# A comma behind the last digit leaves three digits out.
_SCALED = re.compile(r"%|[0#?],+(?![0#?,])")
_MAX_FORMAT_CHARS = 1_000

DATE, SCALED, DRESSED, PLAIN = "date", "scaled", "dressed", "plain"


class Styles(Part):
    """How each cell format that is not PLAIN shows numbers, by its number."""

    def __init__(self, package: Package, part: str) -> None:
        super().__init__()
        self.formats: dict[str, str] = {}
        self.used: list[str] = []
        self.of_cells = False
        for space in MAIN:
            self.starts[f"{space} numFmt"] = self._format
            self.starts[f"{space} cellXfs"] = self._open
            self.ends[f"{space} cellXfs"] = self._close
            self.starts[f"{space} xf"] = self._cell_format
        if part:
            package.parse(part, self)
        built_in = {str(number): kind for number, kind in _built_in()}
        kinds = {**built_in, **self.formats}
        shown = {f"{place}": kinds.get(used, PLAIN) for place, used in enumerate(self.used)}
        self.kinds = {place: kind for place, kind in shown.items() if kind != PLAIN}

    def _format(self, given: Attributes) -> None:
        if len(self.formats) >= MAX_STYLES:
            raise Refused("damaged")
        self.formats[given.get("numFmtId", "")] = kind_of(given.get("formatCode", ""))

    def _open(self, _given: Attributes) -> None:
        self.of_cells = True

    def _close(self) -> None:
        self.of_cells = False

    def _cell_format(self, given: Attributes) -> None:
        if len(self.used) >= MAX_STYLES:
            raise Refused("damaged")
        if self.of_cells:
            self.used.append(given.get("numFmtId", ""))


def _built_in() -> Iterator[tuple[int, str]]:
    for number in _BUILT_IN_NUMBERS - _PLAIN:
        yield number, SCALED if number in _PERCENTAGES else DRESSED
    for number in _BUILT_IN:
        yield number, DATE


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
