"""The first visible sheet of an XLSX file: the values that it shows, or a refusal by row and column.

ECMA-376 part 1, 18; both its namespaces, transitional and strict.
"""

from typing import Any

from backoffice.spreadsheets.parser.limits import MAX_SHEET_NAME_CHARS, MAX_SHEETS, Refused
from backoffice.spreadsheets.parser.package import FALSE, MAIN, TRUE, Attributes, Package, Part, resolved
from backoffice.spreadsheets.parser.rows import Rows
from backoffice.spreadsheets.parser.sheet import Sheet
from backoffice.spreadsheets.parser.strings import SharedStrings
from backoffice.spreadsheets.parser.styles import Styles

RELATIONSHIPS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
_RELATIONSHIP = "http://schemas.openxmlformats.org/package/2006/relationships Relationship"


def read(content: bytes, rows: Rows) -> dict[str, Any]:
    """Write the sheet's rows; its name, and what of it is hidden. Raises Refused."""
    package = Package(content)
    book = Workbook(package)
    name, part = book.first_visible()
    kinds = Styles(package, book.related("styles")).kinds
    strings = SharedStrings(package, book.related("sharedStrings"))
    sheet = Sheet(
        rows=rows,
        strings=strings,
        kinds=kinds,
        from_1904=book.from_1904,
        calculates_on_load=book.calculates_on_load,
    )
    package.parse(part, sheet)
    sheet.refuse_merged()
    sheet.spills.refuse_lacking()
    return {
        "sheet": name[:MAX_SHEET_NAME_CHARS],
        "sheets": len(book.sheets),
        "hidden_rows": sheet.hidden_rows,
        "hidden_columns": sheet.hidden_columns(),
    }


class Relationships(Part):
    """What a part refers to, by id: the kind of it and its name."""

    def __init__(self, package: Package, part: str) -> None:
        super().__init__()
        self.part = part
        self.found: dict[str, tuple[str, str]] = {}
        self.starts[_RELATIONSHIP] = self._relationship
        folder, _slash, name = part.rpartition("/")
        package.parse(f"{folder}/_rels/{name}.rels".lstrip("/"), self)

    def _relationship(self, given: Attributes) -> None:
        if given.get("TargetMode") == "External":
            return
        if len(self.found) > MAX_SHEETS:
            raise Refused("damaged")
        base, _slash, kind = given.get("Type", "").rpartition("/")
        if base in RELATIONSHIPS:
            target = resolved(given.get("Target", ""), beside=self.part)
            self.found[given.get("Id", "")] = (kind, target)


class Workbook(Part):
    """Which sheets there are, and how their dates and formulas count."""

    def __init__(self, package: Package) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str, str]] = []
        self.from_1904 = False
        # Whoever wrote the file calculated nothing, or not to the end, and leaves it to the next program.
        self.calculates_on_load = False
        for space in MAIN:
            self.starts[f"{space} sheet"] = self._sheet
            self.starts[f"{space} workbookPr"] = self._properties
            self.starts[f"{space} calcPr"] = self._calculation
        part = _workbook_part(package)
        self.relationships = Relationships(package, part).found
        package.parse(part, self)

    def first_visible(self) -> tuple[str, str]:
        """The name and the part of the first worksheet that is not hidden; charts are none."""
        for name, state, relationship in self.sheets:
            kind, part = self.relationships.get(relationship, ("", ""))
            if kind == "worksheet" and state == "visible":
                return name, part
        raise Refused("no_visible_sheet" if self.sheets else "no_spreadsheet")

    def related(self, wanted: str) -> str:
        """The part of a kind that the whole workbook has one of, or nothing."""
        return next((part for kind, part in self.relationships.values() if kind == wanted), "")

    def _sheet(self, given: Attributes) -> None:
        if len(self.sheets) >= MAX_SHEETS:
            raise Refused("damaged")
        relationship = next((given[key] for space in RELATIONSHIPS if (key := f"{space} id") in given), "")
        self.sheets.append((given.get("name", ""), given.get("state", "visible"), relationship))

    def _properties(self, given: Attributes) -> None:
        self.from_1904 = given.get("date1904") in TRUE

    def _calculation(self, given: Attributes) -> None:
        self.calculates_on_load = given.get("fullCalcOnLoad") in TRUE or given.get("calcCompleted") in FALSE


def _workbook_part(package: Package) -> str:
    if "content.xml" in package and "mimetype" in package:
        raise Refused("open_document")
    documents = Relationships(package, "").found.values() if "_rels/.rels" in package else ()
    part = next((part for kind, part in documents if kind == "officeDocument"), "")
    if not part:
        raise Refused("no_spreadsheet")
    if part.casefold().endswith(".bin"):
        raise Refused("binary_workbook")
    return part
