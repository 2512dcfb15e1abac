"""Reading a file's rows, and judging them by what is in the file and in the shop."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from backoffice.spreadsheets.checks import violations
from backoffice.spreadsheets.files import Row
from backoffice.spreadsheets.headings import field_of
from backoffice.spreadsheets.notes import first_rows
from backoffice.spreadsheets.rows import Line

if TYPE_CHECKING:
    from backoffice.spreadsheets.resources import FileResource


class Reader:
    """Goes through a file once, from its first row to its last."""

    def __init__(self, *, resource: "FileResource", fields: Sequence[str | None]) -> None:
        self.resource = resource
        self.fields = fields
        self.model: type[Model] = resource._meta.model  # noqa: SLF001 - documented API
        self.read_fields = [
            name for name in resource.columns() if name in fields and name not in resource.shown_only
        ]
        self.cells = {name: resource.cell(name) for name in self.read_fields}
        self.numbers = 0
        self.kept_otherwise = 0

    def line(self, row: Row) -> Line:
        """What a row says, column by column."""
        self.numbers += 1
        number, values = row
        line = Line(
            number, {name: value for name, value in zip(self.fields, values, strict=False) if name}, {}, {}
        )
        if any(value not in (None, "") for name, value in self._beside(values)):
            line.refuse("", _("This row has more cells than the file has columns."))
        for name in self.read_fields:
            try:
                line.said[name] = self._clean(name, line.cells.get(name))
            except ValidationError as error:
                line.refuse(self.resource.label(name), error)
        return line

    def _beside(self, values: Sequence[Any]) -> list[tuple[None, Any]]:
        """Cells under no heading."""
        under = [*self.fields, *[None] * (len(values) - len(self.fields))]
        return [(None, value) for name, value in zip(under, values, strict=False) if name is None]

    def _clean(self, name: str, cell: Any) -> Any:
        value = self.cells[name].clean(cell)
        return value if value is None else field_of(self.model, name).clean(value, None)

    def judge(self, lines: Sequence[Line]) -> None:
        """Note all that is wrong with these rows, each beside what is there already."""
        ids = [line.row_id for line in lines if line.row_id]
        there = self.model._default_manager.in_bulk(ids)  # noqa: SLF001 - documented API
        for line in lines:
            line.meet(there.get(line.row_id), self.model, kept=self.resource.kept)
            self._look_for_gaps(line)
            self.resource.check(line)
            self.kept_otherwise += line.says_otherwise(self.resource.kept)
        self._look_for_ids_above(lines)
        if self.resource.unique_names:
            self._look_for_names(lines)
        right = [line for line in lines if not line.errors]
        for place, errors in violations(rows=[line.after for line in right]).items():
            for error in errors:
                right[place].refuse("", error)

    def _look_for_gaps(self, line: Line) -> None:
        for name in self.read_fields:
            needed = name != "id" and not field_of(self.model, name).null
            if needed and name in line.said and getattr(line.after, name) is None:
                line.refuse(self.resource.label(name), _("This cell is empty."))

    def _look_for_ids_above(self, lines: Sequence[Line]) -> None:
        known = [line for line in lines if line.row_id]
        first = first_rows(kind="id", said=[(str(line.row_id), line.number) for line in known])
        for line in known:
            if (above := first[str(line.row_id)]) != line.number:
                line.refuse("id", _("Row %(row)s has the same id.") % {"row": above})

    def _look_for_names(self, lines: Sequence[Line]) -> None:
        """Rows without an id that are in the shop already, or above in the file."""
        new = [line for line in lines if not line.row_id and line.said.get("name")]
        names = {line.said["name"] for line in new}
        rows = self.model._default_manager.filter(name__in=names)  # noqa: SLF001 - documented API
        there = dict(rows.order_by("-pk").values_list("name", "pk"))
        first = first_rows(kind="name", said=[(line.said["name"], line.number) for line in new])
        for line in new:
            name = line.said["name"]
            if name in there:
                line.refuse(
                    self.resource.label("name"),
                    _("“%(name)s” is there already. To change it, give its id: %(id)s.")
                    % {"name": name, "id": there[name]},
                )
            elif (above := first[name]) != line.number:
                line.refuse(self.resource.label("name"), _("Row %(row)s has the same name.") % {"row": above})
