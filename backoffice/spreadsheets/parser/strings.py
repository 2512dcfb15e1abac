"""Texts of an XLSX file."""

import re

from backoffice.spreadsheets.parser.limits import MAX_CELL_CHARS, MAX_SHARED_STRINGS, Refused
from backoffice.spreadsheets.parser.package import MAIN, Attributes, Package, Part

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SURROGATES = range(0xD800, 0xE000)


class TextElements:
    """Gathers the text of `t` elements, formatted runs included; how a word is pronounced is left out."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.pieces: list[str] = []
        self.chars = 0
        self.inside = False
        self.pronunciation = False
        for space in MAIN:
            part.starts[f"{space} t"] = self._open
            part.ends[f"{space} t"] = self.close
            part.starts[f"{space} rPh"] = self._pronounce
            part.ends[f"{space} rPh"] = self._pronounced

    def begin(self) -> None:
        """Expect the elements of another text."""
        self.pieces = []
        self.chars = 0
        self.inside = True

    def end(self) -> str:
        """The text, cut a little beyond what a cell may have."""
        self.inside = False
        self.close()
        return "".join(self.pieces)

    def open(self) -> None:
        """Take what is written from here on."""
        self.part.parser.CharacterDataHandler = self._take

    def close(self) -> None:
        """Take no more."""
        self.part.parser.CharacterDataHandler = None

    def _open(self, _given: Attributes) -> None:
        if self.inside and not self.pronunciation:
            self.open()

    def _pronounce(self, _given: Attributes) -> None:
        self.pronunciation = True

    def _pronounced(self) -> None:
        self.pronunciation = False

    def _take(self, text: str) -> None:
        # An escape takes seven characters for one.
        if self.chars <= 7 * MAX_CELL_CHARS:
            self.chars += len(text)
            self.pieces.append(text)


class SharedStrings(Part):
    """The table of texts that cells refer to by number."""

    def __init__(self, package: Package, part: str) -> None:
        super().__init__()
        # As UTF-8: one rare character makes a text in memory four times as large.
        self.found: list[bytes] = []
        self.text = TextElements(self)
        for space in MAIN:
            self.starts[f"{space} si"] = self._begin
            self.ends[f"{space} si"] = self._end_string
        if part:
            package.parse(part, self)

    def __getitem__(self, number: int) -> str:
        return unescaped(self.found[number].decode())

    def _begin(self, _given: Attributes) -> None:
        self.text.begin()

    def _end_string(self) -> None:
        if len(self.found) >= MAX_SHARED_STRINGS:
            raise Refused("too_much_work")
        self.found.append(self.text.end().encode())


def unescaped(text: str) -> str:
    """The text with the characters that XML cannot hold in place of their escapes (ST_Xstring)."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(found: "re.Match[str]") -> str:
    code = int(found[1], 16)
    return found[0] if code in _SURROGATES else chr(code)
