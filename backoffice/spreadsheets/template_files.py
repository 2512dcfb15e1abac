"""Template files: the headings of an import, and an example row."""

import csv
import io

from django.utils.functional import Promise
from openpyxl import Workbook

from backoffice.spreadsheets.columns import Spreadsheet
from backoffice.spreadsheets.exports import BYTE_ORDER_MARK


def template(spreadsheet: Spreadsheet, name: str, *, is_xlsx: bool) -> bytes:
    """A CSV or XLSX file in the reader's language. Raises KeyError for an unknown name."""
    _label, example = spreadsheet.templates[name]
    columns = [column for column in spreadsheet.import_columns() if column.name in example]
    values = {name: str(value) if isinstance(value, Promise) else value for name, value in example.items()}
    lines = [
        [column.label for column in columns],
        [column.write(values[column.name], typed=is_xlsx) for column in columns],
    ]
    if not is_xlsx:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(lines)
        return f"{BYTE_ORDER_MARK}{text.getvalue()}".encode()
    book, file = Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet()
    for line in lines:
        sheet.append(line)
    book.save(file)
    return file.getvalue()
