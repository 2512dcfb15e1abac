"""The parts of an XLSX file that all its sheets share (ECMA-376 part 1, 18)."""

import posixpath
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element  # nosec B405 # for its type

from backoffice.spreadsheets.parser import limits
from backoffice.spreadsheets.parser.formats import BUILT_IN, Kinds, kinds_of
from backoffice.spreadsheets.parser.limits import UnreadableFile
from backoffice.spreadsheets.parser.package import Package

TRUE = {"1", "true"}
FALSE = {"0", "false"}
_OFFICE = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
_IDS = [f"{{{space}}}id" for space in _OFFICE]
# Phonetic hints and the looks of a text.
_UNSHOWN = {"rPh", "phoneticPr", "rPr", "extLst"}
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SURROGATES = range(0xD800, 0xE000)


class Workbook:
    """The workbook's sheets, date system, shared texts and number formats."""

    def __init__(self, package: Package) -> None:
        """Raises UnreadableFile."""
        self.package = package
        part = _workbook_part(package)
        self.related = _relationships(package, part)
        self.sheets: list[Element] = []
        self.from_1904 = False
        # The program that wrote the file has not calculated its formulas and leaves that to the next one.
        self.calculates_on_load = False
        for each in package.elements(
            part, {"sheets/sheet": limits.MAX_SHEETS, "workbook/workbookPr": 1, "workbook/calcPr": 1}
        ):
            if each.tag == "sheet":
                self.sheets.append(each)
            elif each.tag == "workbookPr":
                self.from_1904 = each.get("date1904") in TRUE
            else:
                incomplete = each.get("calcCompleted") in FALSE
                self.calculates_on_load = incomplete or each.get("fullCalcOnLoad") in TRUE
        texts = self._elements("sharedStrings", {"sst/si": limits.MAX_SHARED_STRINGS})
        try:
            # As UTF-8: one rare character makes a text in memory four times as large.
            self.strings = [text_of(each).encode() for each in texts]
        except ValueError as error:
            raise UnreadableFile("damaged") from error
        self.formats = self._formats()

    def first_visible(self) -> tuple[str, str]:
        """The name and the part of the first worksheet that is neither hidden nor a chart.

        Raises UnreadableFile where there is none.
        """
        for sheet in self.sheets:
            relationship = next(filter(None, map(sheet.get, _IDS)), "")
            kind, part = self.related.get(relationship, ("", ""))
            if kind == "worksheet" and sheet.get("state", "visible") == "visible":
                return sheet.get("name", ""), part
        raise UnreadableFile("no_visible_sheet" if self.sheets else "no_spreadsheet")

    def string(self, number: int) -> str:
        """A shared text by its index. Raises LookupError."""
        return unescaped(self.strings[number].decode())

    def _formats(self) -> dict[int, Kinds]:
        kinds, used = dict(BUILT_IN), []
        for each in self._elements(
            "styles", {"numFmts/numFmt": limits.MAX_STYLES, "cellXfs/xf": limits.MAX_STYLES}
        ):
            try:
                number = int(each.get("numFmtId", "0"))
            except ValueError as error:
                raise UnreadableFile("damaged") from error
            if each.tag == "xf":
                used.append(number)
            else:
                kinds[number] = kinds_of(each.get("formatCode", ""))
        # What is left out is General.
        return {style: kinds[number] for style, number in enumerate(used) if number in kinds}

    def _elements(self, kind: str, most: dict[str, int]) -> Iterator[Element]:
        # A workbook has such a part at most once.
        part = next((part for related, part in self.related.values() if related == kind), "")
        return self.package.elements(part, most) if part else iter(())


def _workbook_part(package: Package) -> str:
    if "content.xml" in package and "mimetype" in package:
        raise UnreadableFile("open_document")
    documents = _relationships(package, "").values() if "_rels/.rels" in package else ()
    part = next((part for kind, part in documents if kind == "officeDocument"), "")
    if not part:
        raise UnreadableFile("no_spreadsheet")
    if part.casefold().endswith(".bin"):
        raise UnreadableFile("binary_workbook")
    return part


def _relationships(package: Package, part: str) -> dict[str, tuple[str, str]]:
    found = {}
    folder, name = posixpath.split(part)
    for each in package.elements(
        posixpath.join(folder, "_rels", f"{name}.rels"), {"Relationships/Relationship": limits.MAX_SHEETS}
    ):
        base, _slash, kind = each.get("Type", "").rpartition("/")
        if base in _OFFICE and each.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, each.get("Target", "")))
            # By id: kind and name of the target.
            found[each.get("Id", "")] = (kind, target.lstrip("/"))
    return found


def text_of(element: Element) -> str:
    """The element's text with formatted runs, without phonetic hints. Raises ValueError for other content."""
    if element.tag == "t" and not len(element):
        return element.text or ""
    parts = [part for part in element if part.tag not in _UNSHOWN]
    if has_stray_text(element) or any(part.tag not in {"t", "r"} for part in parts):
        raise ValueError(element.tag)
    return "".join(map(text_of, parts))


def has_stray_text(element: Element) -> bool:
    if element.text and not element.text.isspace():
        return True
    for part in element:  # noqa: SIM110 - any() takes twice as long, and a file has millions of cells
        if part.tail and not part.tail.isspace():
            return True
    return False


def unescaped(text: str) -> str:
    # ST_Xstring escapes characters that XML cannot hold.
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(found: "re.Match[str]") -> str:
    code = int(found[1], 16)
    return found[0] if code in _SURROGATES else chr(code)
