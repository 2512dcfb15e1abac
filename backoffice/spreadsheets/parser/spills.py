"""Cells of a worksheet that the formula of another cell fills."""

from dataclasses import dataclass

from backoffice.spreadsheets.parser.limits import MAX_OPEN_SPILLS, Refused

# Formulas whose values are in several cells: array formulas, and tables of what a formula comes to.
FILLING = {"array", "dataTable"}

Area = tuple[int, int, int, int]


@dataclass
class _Spill:
    row: int
    column: int
    area: Area
    lacking: int


class Spills:
    """Counts the values of each such area: a program that does not calculate leaves the others out."""

    def __init__(self) -> None:
        self.open: list[_Spill] = []

    def expect(self, area: Area, *, row: int, column: int) -> None:
        """Take in the area (first row and column, last row and column) of the formula at a cell."""
        first_row, first_column, last_row, last_column = area
        for each in self.open:
            if each.area[2] < row:
                _refuse_lacking(each)
        self.open = [each for each in self.open if each.area[2] >= row]
        if len(self.open) >= MAX_OPEN_SPILLS:
            raise Refused("too_much_work")
        cells = (last_row - first_row + 1) * (last_column - first_column + 1)
        self.open.append(_Spill(row, column, area, cells))

    def fill(self, *, row: int, column: int) -> None:
        """Count a cell that has a value, though it may be a text of nothing."""
        for each in self.open:
            first_row, first_column, last_row, last_column = each.area
            if first_row <= row <= last_row and first_column <= column <= last_column:
                each.lacking -= 1

    def refuse_lacking(self) -> None:
        """Raises Refused where an area has a cell without a value."""
        for each in self.open:
            _refuse_lacking(each)


def _refuse_lacking(spill: _Spill) -> None:
    if spill.lacking > 0:
        raise Refused("not_calculated", row=spill.row, column=spill.column)
