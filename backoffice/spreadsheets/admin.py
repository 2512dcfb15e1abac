"""Pages of the admin whose rows come and go by file."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, OperationalError
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from backoffice.base import EditableAdmin
from backoffice.spreadsheets import exports, files, uploads
from backoffice.spreadsheets.columns import Spreadsheet
from backoffice.spreadsheets.forms import ConfirmForm, ExportForm, UploadForm
from backoffice.spreadsheets.import_log import ImportLog
from backoffice.spreadsheets.importing import Confirmation, import_file
from backoffice.spreadsheets.parser.limits import MAX_ROWS
from backoffice.spreadsheets.refusals import refusal
from backoffice.spreadsheets.results import MAX_INVALID_ROWS, MAX_SHOWN_ROWS
from core.db.sqlstates import Meaning, meaning_of
from core.problems import Busy

GONE = gettext_lazy("This file was imported already, or this preview has expired.")
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class SpreadsheetAdmin(EditableAdmin):
    """Rows that staff put in one by one or by file, with a preview, all of the file or nothing."""

    spreadsheet: Spreadsheet
    change_list_template = "spreadsheets/change_list.html"

    def get_urls(self) -> list[Any]:
        """The pages of every list, and those of files."""
        views = {"import": self.import_view, "process_import": self.confirm_view, "export": self.export_view}
        own = [
            path(f"{page}/", self.admin_site.admin_view(view), name=self._url_name(page))
            for page, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whether this account may add such rows and change them."""
        return bool(self.has_add_permission(request) and self.has_change_permission(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with a button to export it, and one to import where this account may."""
        context = {**(extra_context or {}), "has_import_permission": self.has_import_permission(request)}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """The upload's page or, with a file, its preview."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        preview: dict[str, Any] = {}
        if form.is_valid():
            try:
                with files.turn():
                    preview = self._preview(request, form.cleaned_data["import_file"])
            except ValidationError as error:
                form.add_error("import_file", error)
            except Busy:
                form.add_error("import_file", refusal("busy"))
        return self._import_page(request, form=form, **preview)

    def _preview(self, request: HttpRequest, file: UploadedFile) -> dict[str, Any]:
        """What a file would do; where it would do anything, it is kept for a yes. Raises ValidationError."""
        content = file.read()
        result = import_file(spreadsheet=self.spreadsheet, content=content)
        if result.fails:
            return {"result": result}
        pk = uploads.keep(
            owner_id=_staff_id(request), model=self.model, name=file.name or "", content=content
        )
        return {
            "result": result,
            "confirm_form": ConfirmForm(initial={"upload": pk, "expected": result.summary}),
        }

    @method_decorator(require_POST)
    def confirm_view(self, request: HttpRequest) -> HttpResponse:
        """Import the file whose preview was confirmed."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = ConfirmForm(request.POST)
        if not form.is_valid():
            return self._upload_again(request, GONE)
        try:
            with files.turn():
                return self._import(request, **form.cleaned_data)
        except ValidationError as error:
            return self._upload_again(request, " ".join(error.messages))
        except (OperationalError, IntegrityError) as error:
            if meaning_of(error) is Meaning.UNAVAILABLE:
                raise
            # A row that was locked for long, or that somebody took or changed since it was read.
            return self._upload_again(request, _("The same rows were being changed; nothing was imported."))

    def _import(self, request: HttpRequest, *, upload: UUID, expected: str) -> HttpResponse:
        """Back to the list or, where the file no longer fits the shop, say why."""
        staff_id = _staff_id(request)
        file = uploads.take(pk=upload, owner_id=staff_id, model=self.model)
        if file is None:
            return self._upload_again(request, GONE)
        confirmation = Confirmation(staff_id=staff_id, file_name=file.name, expected=expected)
        result = import_file(spreadsheet=self.spreadsheet, content=file.content, confirmation=confirmation)
        if result.fails:
            return self._import_page(request, form=UploadForm(), result=result)
        messages.success(
            request,
            _("Imported: %(new)s new, %(changed)s changed, %(unchanged)s as they were.")
            % result.formatted_counts,
        )
        return redirect(f"admin:{self._url_name('changelist')}")

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The page that asks for a kind of file or, with one, the rows that the list shows."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_changelist_instance(request).queryset
        form = ExportForm(request.POST or None)
        if form.is_valid():
            try:
                return self._export(request, rows, is_xlsx=form.cleaned_data["format"] == ExportForm.XLSX)
            except exports.TooManyRows as error:
                messages.error(request, str(error))
        return self._page(request, "spreadsheets/export.html", title=_("Export"), form=form)

    def _export(self, request: HttpRequest, rows: Any, *, is_xlsx: bool) -> HttpResponseBase:
        """A file, sent as it is made. Raises TooManyRows."""
        name = f"{self.opts.object_name}-{localdate():%Y-%m-%d}.{'xlsx' if is_xlsx else 'csv'}"
        log = ImportLog(staff_id=_staff_id(request), file=name, model=self.model)
        file = exports.as_xlsx(self.spreadsheet, rows) if is_xlsx else None
        log.file_exported()
        if file:
            return FileResponse(file, content_type=XLSX_TYPE, as_attachment=True, filename=name)
        return StreamingHttpResponse(
            exports.as_csv(self.spreadsheet, rows),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _upload_again(self, request: HttpRequest, why: object) -> HttpResponse:
        messages.error(request, f"{why} {_('Please upload it again.')}")
        return redirect(f"admin:{self._url_name('import')}")

    def _import_page(self, request: HttpRequest, **context: Any) -> HttpResponse:
        context |= {
            "columns": self.spreadsheet.columns(),
            "spreadsheet": self.spreadsheet,
            "max_rows": f"{MAX_ROWS:,}",
            "max_shown_rows": f"{MAX_SHOWN_ROWS:,}",
            "max_invalid_rows": MAX_INVALID_ROWS,
        }
        return self._page(request, "spreadsheets/import.html", title=_("Import"), **context)

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, context)

    def _url_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"


def _staff_id(request: HttpRequest) -> int:
    staff: Any = request.user
    return int(staff.pk)
