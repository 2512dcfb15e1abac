"""Which cells of an XLSX file are dates: a date is a number with a format that shows days or hours."""

import re

from seeding.parser.limits import MAX_STYLES, Refused
from seeding.parser.package import MAIN, Attributes, Package, Part

# ECMA-376 part 1, 18.8.30, East Asian ones included.
_BUILT_IN = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)}
# What a format writes as it is, or says of colour and language; elapsed time, as in [h]:mm, is no date.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_PARTS_OF_A_DATE = re.compile("[dmyhs]", re.IGNORECASE)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_MAX_FORMAT_CHARS = 1_000


class Styles(Part):
    """The numbers of the cell formats that show a date."""

    def __init__(self, package: Package, part: str) -> None:
        super().__init__()
        self.formats: dict[str, bool] = {}
        self.used: list[str] = []
        self.of_cells = False
        for space in MAIN:
            self.starts[f"{space} numFmt"] = self._format
            self.starts[f"{space} cellXfs"] = self._open
            self.ends[f"{space} cellXfs"] = self._close
            self.starts[f"{space} xf"] = self._cell_format
        if part:
            package.parse(part, self)
        self.dates = frozenset(str(place) for place, used in enumerate(self.used) if self._is_date(used))

    def _is_date(self, used: str) -> bool:
        return self.formats.get(used, used in {str(each) for each in _BUILT_IN})

    def _format(self, given: Attributes) -> None:
        if len(self.formats) >= MAX_STYLES:
            raise Refused("damaged")
        self.formats[given.get("numFmtId", "")] = is_date(given.get("formatCode", ""))

    def _open(self, _given: Attributes) -> None:
        self.of_cells = True

    def _close(self) -> None:
        self.of_cells = False

    def _cell_format(self, given: Attributes) -> None:
        if len(self.used) >= MAX_STYLES:
            raise Refused("damaged")
        if self.of_cells:
            self.used.append(given.get("numFmtId", ""))


def is_date(code: str) -> bool:
    """Whether a number format shows a date or a time of day."""
    shown = code[:_MAX_FORMAT_CHARS].partition(";")[0]
    return not _ELAPSED.search(shown) and bool(_PARTS_OF_A_DATE.search(_LITERAL.sub("", shown)))
