"""Error messages for unreadable files."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from openpyxl.utils import get_column_letter

from backoffice.spreadsheets.parser import limits

TEXTS = {
    "too_big": gettext_noop("The file is too big: the maximum is %(most)s MB."),
    "encoding": gettext_noop(
        "This is neither an XLSX file nor a CSV file in UTF-8 or CP949. In Excel, save it as “CSV UTF-8”."
    ),
    "two_encodings": gettext_noop(
        "The letters of this file differ in UTF-8 and CP949. Where they look right, save it as “CSV UTF-8”."
    ),
    "csv_quotes": gettext_noop("A quotation mark is missing, or one inside a cell is not doubled."),
    "long_cell": gettext_noop("A cell has %(most)s characters at most. Is a quotation mark missing?"),
    "long_row": gettext_noop("This row has no end: a quotation mark or the end of a line is missing."),
    "too_many_rows": gettext_noop(
        "The file has too many rows: split it into files of %(most)s rows at most."
    ),
    "too_many_columns": gettext_noop("The file has too many columns: the maximum is %(most)s."),
    "row_number": gettext_noop("“%(place)s” is not a row number: the last row of a sheet is %(most)s."),
    "row_order": gettext_noop("The rows and cells of this file are out of order. Save it again in Excel."),
    "cell_twice": gettext_noop("This cell is in the file twice. Save the file again in Excel."),
    "cell_place": gettext_noop("“%(place)s” is not a cell of a sheet."),
    "cell_value": gettext_noop("This cell cannot be read. Type its value again."),
    "cell_format": gettext_noop("The format of this cell hides its text or adds to it. Remove the format."),
    "not_calculated": gettext_noop(
        "The formula in this cell was never calculated. Open the file in Excel, save it, and upload it again."
    ),
    "merged": gettext_noop("The cells %(place)s are merged. Unmerge them and fill in each."),
    "unpacks_to_too_much": gettext_noop("The file unpacks to more than an import can take. Split it."),
    "too_much_work": gettext_noop("Reading the file takes more time or memory than an import has. Split it."),
    "damaged": gettext_noop("This XLSX file is damaged. Open it in Excel and save it again."),
    "protected": gettext_noop("This file has a password. Save it without one."),
    "old_excel": gettext_noop("This is a file of an older Excel (.xls). Save it as XLSX."),
    "binary_workbook": gettext_noop("This is a binary workbook (.xlsb). Save it as XLSX."),
    "open_document": gettext_noop("This is an OpenDocument file. Save it as XLSX or CSV."),
    "no_spreadsheet": gettext_noop("There is no spreadsheet in this file. Save it as XLSX or CSV."),
    "no_visible_sheet": gettext_noop("Each sheet of this file is hidden, or a chart."),
    "too_many_uploads": gettext_noop("Too many files wait to be confirmed. Please try again later."),
    "too_many_exports": gettext_noop("Too many files are being downloaded. Please try again in a moment."),
    "no_room": gettext_noop("There is no room for the file now. Narrow the list, or try again later."),
    "busy": gettext_noop("Other files are being read. Please try again in a moment."),
}
_MOST = {
    "too_big": f"{limits.MAX_BYTES // 1024 // 1024}",
    "long_cell": f"{limits.MAX_CELL_CHARS:,}",
    "too_many_rows": f"{limits.MAX_ROWS:,}",
    "too_many_columns": f"{limits.MAX_COLUMNS}",
    "row_number": f"{limits.LAST_ROW:,}",
}


def refusal(code: str, *, row: int = 0, column: int = 0, place: str = "") -> ValidationError:
    """The error for a key of TEXTS; row and column are 0 where they are not known."""
    what = _(TEXTS[code]) % {"most": _MOST.get(code, ""), "place": place}
    where = {"row": f"{row:,}", "column": get_column_letter(column or 1), "what": what}
    if row and column:
        what = _("Row %(row)s, column %(column)s: %(what)s") % where
    elif row:
        what = _("Row %(row)s: %(what)s") % where
    return ValidationError(what, code=code)
