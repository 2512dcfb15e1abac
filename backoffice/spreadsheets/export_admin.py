"""Export of a list: a file with the rows that its search and filters find."""

import gzip
import weakref
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.cache import patch_vary_headers
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.utils.translation.trans_real import parse_accept_lang_header
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget

from backoffice import action_log
from backoffice.base import BaseAdmin
from backoffice.filters import DayRangeFilter
from backoffice.formatting import number
from backoffice.spreadsheets import exports
from backoffice.spreadsheets.exports import Export, File
from backoffice.spreadsheets.parser.limits import MAX_ROWS
from backoffice.spreadsheets.slots import file_slot

EXPORT_LISTS = "export_lists"
FILE_EXPORTED = gettext_noop("Exported {rows:,} rows into the file {file}.")
FILE_EXPORTED_IN_PART = gettext_noop("Exported {rows:,} rows into the file {file}, found by {query}.")
PIECE_BYTES = 64 * 1024
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE = "text/csv; charset=utf-8"


class ExportForm(forms.Form):
    """The kind of file and, if a list has several exports, the export."""

    CSV, XLSX = "0", "1"

    rows = forms.TypedChoiceField(
        label=gettext_lazy("Rows of the file"),
        coerce=int,
        required=False,
        widget=UnfoldAdminRadioSelectWidget,
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Kind of file"),
        choices=[(CSV, "CSV"), (XLSX, "XLSX")],
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, data: Any, *, titles: list[str]) -> None:
        super().__init__(data, initial={"rows": 0})
        self.fields["rows"].choices = [*enumerate(titles)]  # type: ignore[attr-defined]
        if len(titles) == 1:
            del self.fields["rows"]


class ExportAdmin(BaseAdmin):
    """A list that accounts with `has_export_permission` can export."""

    exports: tuple[Export, ...] = ()
    change_list_template = "spreadsheets/change_list.html"
    export_help = gettext_lazy("The rows that the list's search and filters find, as of one moment.")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name=self._url_name("export")), *super().get_urls()]

    def get_exports(self) -> tuple[Export, ...]:
        """The exports of the list, the default first."""
        return self.exports

    def has_export_permission(self, request: HttpRequest) -> bool:
        allowed = request.user.has_perm(f"seeding.{EXPORT_LISTS}")
        return bool(allowed and self.has_view_permission(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "has_export_permission": self.has_export_permission(request)}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_export_permission(request):
            raise PermissionDenied
        found, choices = self.get_changelist_instance(request), self.get_exports()
        rows = [export.rows(found.queryset).order_by(*export.ordering) for export in choices]
        form = ExportForm(request.POST or None, titles=[str(export.title) for export in choices])
        if form.is_valid():
            which, is_xlsx = form.cleaned_data.get("rows") or 0, form.cleaned_data["format"] == form.XLSX
            export = choices[which]
            name = f"{export.model.__name__}-{_days(found)}.{'xlsx' if is_xlsx else 'csv'}"
            try:
                with file_slot():
                    columns = export.columns_for(request.user)
                    file = exports.make_file(columns=columns, rows=rows[which], is_xlsx=is_xlsx)
            except (exports.TooManyRows, ValidationError) as error:
                text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
                messages.error(request, text)
            else:
                # The log has it before any of the file is sent.
                self._log(request, export, name=name, rows=file.rows)
                return _response(request, file, name=name, is_xlsx=is_xlsx)
        return self._export_page(request, form, [exports.count_rows(each) for each in rows])

    def _export_page(self, request: HttpRequest, form: ExportForm, counts: list[int]) -> HttpResponse:
        most = exports.MAX_CSV_ROWS
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Export"),
            "form": form,
            "help": self.export_help,
            "counts": [
                (export.title, f"{number(min(each, most))}{'+' if each > most else ''}")
                for export, each in zip(self.get_exports(), counts, strict=True)
            ],
            "max_csv_rows": number(most),
            "max_xlsx_rows": number(MAX_ROWS),
        }
        return TemplateResponse(request, "spreadsheets/export.html", context)

    def _log(self, request: HttpRequest, export: Export, *, name: str, rows: int) -> None:
        staff: Any = request.user
        query = unquote_plus(request.GET.urlencode())
        text = FILE_EXPORTED_IN_PART if query else FILE_EXPORTED
        part = action_log.log_detail(text, file=name, rows=rows, query=query)
        action_log.log_file(staff_id=staff.pk, model=export.model, file=name, parts=[part])

    def _url_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"


def _days(found: Any) -> str:
    ranges = [spec.days() for spec in found.filter_specs if isinstance(spec, DayRangeFilter)]
    since, until = next((days for days in ranges if any(days)), (None, None))
    if since and until:
        return f"{since}" if since == until else f"{since}_{until}"
    if until:
        return f"until_{until}"
    return f"{since}_{localdate()}" if since else f"{localdate()}"


def _response(request: HttpRequest, file: File, *, name: str, is_xlsx: bool) -> HttpResponseBase:
    # Codings have weights as languages have them, also 0 (RFC 9110, 12.4.2).
    weights = dict(parse_accept_lang_header(request.headers.get("Accept-Encoding", "")))
    is_packed = not is_xlsx and weights.get("gzip", 0) > 0
    response: FileResponse | StreamingHttpResponse
    if is_xlsx or is_packed:
        # The web server sends a file by itself: no thread waits for the download.
        response = FileResponse(file.content, content_type=XLSX_TYPE if is_xlsx else CSV_TYPE)
    else:
        response = StreamingHttpResponse(_unpacked(file), content_type=CSV_TYPE)
        response["Content-Length"] = str(file.size)
    if is_packed:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    # Also if the response is never read or closed.
    weakref.finalize(response, file.content.close)
    return response


def _unpacked(file: File) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file.content, mode="rb") as unpacked:
        while piece := unpacked.read(PIECE_BYTES):
            yield piece
