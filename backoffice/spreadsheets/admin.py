"""Admin pages with import and export of files."""

import io
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, OperationalError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminFileFieldWidget

from backoffice.base import EditableAdmin
from backoffice.spreadsheets import importing, template_files, uploads
from backoffice.spreadsheets.columns import Spreadsheet
from backoffice.spreadsheets.export_admin import ExportAdmin
from backoffice.spreadsheets.exports import Export
from backoffice.spreadsheets.parser.limits import MAX_BYTES, MAX_ROWS
from backoffice.spreadsheets.refusals import refusal
from backoffice.spreadsheets.slots import file_slot
from core.db.sqlstates import Meaning, meaning_of
from core.problems import Busy

GONE = gettext_lazy(
    "This file is no longer kept: it was confirmed before, its preview has expired, or your newer previews "
    "have taken its place."
)


class UploadForm(forms.Form):
    """A file; its content decides its kind."""

    import_file = forms.FileField(
        label=gettext_lazy("File to import"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx,.xlsm"}),
    )

    def clean_import_file(self) -> Any:
        file: Any = self.cleaned_data["import_file"]
        if (file.size or 0) > MAX_BYTES:
            raise refusal("too_big")
        return file


class ConfirmForm(forms.Form):
    """The confirmation of a preview: the key of the kept file, and the fingerprint of what was shown."""

    upload = forms.UUIDField(widget=forms.HiddenInput)
    fingerprint = forms.CharField(widget=forms.HiddenInput, max_length=100)


class SpreadsheetAdmin(ExportAdmin, EditableAdmin):
    """Rows that staff add one by one or by file, with a preview; a file is imported whole or not at all."""

    spreadsheet: Spreadsheet
    export_help = gettext_lazy(
        "The rows that the list's search and filters find. An import takes the file back."
    )

    def get_exports(self) -> tuple[Export, ...]:
        return (Export(self.model, self.spreadsheet.columns),)

    def get_urls(self) -> list[Any]:
        pages = (
            ("import/", "import", self.import_view),
            ("import/<slug:name>.<slug:kind>", "import_template", self.template_view),
            ("process_import/", "process_import", self.confirm_view),
        )
        own = [
            path(route, self.admin_site.admin_view(view), name=self._url_name(page))
            for route, page, view in pages
        ]
        return [*own, *super().get_urls()]

    def has_export_permission(self, request: HttpRequest) -> bool:
        # No further right is needed here: exported files are the way to change many rows at once.
        return bool(self.has_view_permission(request))

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_add_permission(request) and self.has_change_permission(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "has_import_permission": self.has_import_permission(request)}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def import_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if form.is_valid():
            try:
                with file_slot():
                    return self._preview(request, form.cleaned_data["import_file"])
            except ValidationError as error:
                form.add_error("import_file", error)
            except Busy:
                form.add_error("import_file", refusal("busy"))
        return self._import_page(request, form=form)

    def _preview(self, request: HttpRequest, file: UploadedFile) -> HttpResponse:
        content = file.read()
        result = importing.preview(spreadsheet=self.spreadsheet, content=content)
        if result.invalid_rows or result.changes_nothing:
            return self._import_page(request, form=UploadForm(), result=result)
        pk = uploads.keep_upload(
            owner_id=_staff_id(request), model=self.model, file_name=file.name or "", content=content
        )
        form = ConfirmForm(initial={"upload": pk, "fingerprint": result.fingerprint})
        return self._import_page(request, confirm_form=form, result=result)

    def template_view(self, request: HttpRequest, name: str, kind: str) -> FileResponse:
        if not self.has_import_permission(request):
            raise PermissionDenied
        if name not in self.spreadsheet.templates or kind not in {"csv", "xlsx"}:
            raise Http404
        content = template_files.template(self.spreadsheet, name, is_xlsx=kind == "xlsx")
        file_name = f"{self.opts.object_name}-{name}.{kind}"
        return FileResponse(io.BytesIO(content), as_attachment=True, filename=file_name)

    @method_decorator(require_POST)
    def confirm_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = ConfirmForm(request.POST)
        if not form.is_valid():
            return self._upload_again(request, GONE)
        try:
            with file_slot():
                return self._confirm(request, **form.cleaned_data)
        except ValidationError as error:
            return self._upload_again(request, " ".join(error.messages))
        except (OperationalError, IntegrityError) as error:
            if meaning_of(error) is Meaning.UNAVAILABLE:
                raise
            # A row stayed locked for too long, or was added or changed since it was read.
            return self._upload_again(
                request, _("The same rows, or others by file, were being changed; nothing was imported.")
            )

    def _confirm(self, request: HttpRequest, *, upload: UUID, fingerprint: str) -> HttpResponse:
        staff_id = _staff_id(request)
        kept = uploads.take_upload(pk=upload, owner_id=staff_id, model=self.model)
        if kept is None:
            return self._upload_again(request, GONE)
        try:
            result = importing.confirm(
                spreadsheet=self.spreadsheet, **kept, staff_id=staff_id, fingerprint=fingerprint
            )
        except ValidationError as error:
            return self._import_page(request, form=UploadForm(), errors=error.messages)
        if result.invalid_rows:
            return self._import_page(request, form=UploadForm(), result=result)
        messages.success(
            request,
            _("Imported: %(new)s new, %(changed)s changed, %(unchanged)s as they were.")
            % result.formatted_counts,
        )
        return redirect(f"admin:{self._url_name('changelist')}")

    def _upload_again(self, request: HttpRequest, why: object) -> HttpResponse:
        messages.error(request, f"{why} {_('Please upload it again.')}")
        return redirect(f"admin:{self._url_name('import')}")

    def _import_page(self, request: HttpRequest, **context: Any) -> HttpResponse:
        context |= {
            "columns": self.spreadsheet.import_columns(),
            "spreadsheet": self.spreadsheet,
            "max_rows": f"{MAX_ROWS:,}",
            "max_shown_rows": f"{importing.MAX_SHOWN_ROWS:,}",
            "max_invalid_rows": importing.MAX_INVALID_ROWS,
        }
        return self._page(request, "spreadsheets/import.html", title=_("Import"), **context)

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, context)


def _staff_id(request: HttpRequest) -> int:
    staff: Any = request.user
    return int(staff.pk)
