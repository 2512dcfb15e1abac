"""Pages of the admin whose rows come and go by file."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, OperationalError
from django.db.models import QuerySet
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import CSV, XLSX

from backoffice.base import EditableAdmin
from backoffice.spreadsheets import downloads, files, uploads
from backoffice.spreadsheets.forms import ConfirmForm, DownloadForm, UploadForm
from backoffice.spreadsheets.outcomes import MOST_SHOWN, MOST_WRONG, Outcome
from backoffice.spreadsheets.parser.limits import MAX_ROWS
from backoffice.spreadsheets.refusals import refusal
from backoffice.spreadsheets.resources import FileResource
from backoffice.spreadsheets.writing import Log
from core.db.sqlstates import Meaning, meaning_of
from core.problems import Busy

GONE = gettext_lazy("This file was imported already, or it waited too long.")


class FilesAdmin(ImportExportMixin, EditableAdmin):
    """Rows that operators put in one by one or by file, with a preview, all of the file or nothing."""

    resource_classes: list[type[FileResource]]
    export_formats = [CSV, XLSX]
    export_form_class = DownloadForm
    import_template_name = "spreadsheets/import.html"
    export_template_name = "spreadsheets/export.html"

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whoever may add such rows and change them."""
        return bool(self.has_add_permission(request) and self.has_change_permission(request))

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may see them."""
        return bool(self.has_view_permission(request))

    def get_valid_export_item_pks(self, _request: HttpRequest) -> list[Any]:
        """Nothing: no action exports chosen rows, and the library would read the id of every row."""
        return []

    def get_import_context_data(self, **_more: Any) -> dict[str, Any]:
        """What the page says of files."""
        (resource,) = self.resource_classes
        return {
            "columns": [
                (
                    resource.label(name),
                    name,
                    name in resource.required,
                    name in resource.shown_only,
                    name in resource.kept,
                )
                for name in resource.columns()
            ],
            "most_rows": f"{MAX_ROWS:,}",
            "most_shown": f"{MOST_SHOWN:,}",
            "most_wrong": MOST_WRONG,
        }

    def import_action(self, request: HttpRequest, **_given: Any) -> HttpResponse:
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
        return self._page(request, form=form, **preview)

    def _preview(self, request: HttpRequest, file: UploadedFile) -> dict[str, Any]:
        """What a file would do; where it would do anything, it is kept for a yes. Raises ValidationError."""
        content = file.read()
        with files.opened(content) as table:
            outcome = self._import(table, dry_run=True, user=request.user)
        if outcome.fails:
            return {"result": outcome}
        staff: Any = request.user
        pk = uploads.keep(owner_id=staff.pk, model=self.model, name=file.name or "", content=content)
        return {
            "result": outcome,
            "confirm_form": ConfirmForm(initial={"upload": pk, "expected": outcome.summary}),
        }

    @method_decorator(require_POST)
    def process_import(self, request: HttpRequest, **_given: Any) -> HttpResponse:
        """Import the file whose preview was confirmed."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = ConfirmForm(request.POST)
        if not form.is_valid():
            return self._upload_again(request, GONE)
        try:
            with files.turn():
                return self._confirm(request, **form.cleaned_data)
        except ValidationError as error:
            return self._upload_again(request, " ".join(error.messages))
        except (OperationalError, IntegrityError) as error:
            if meaning_of(error) is Meaning.UNAVAILABLE:
                raise
            # A row that was locked for long, or that somebody took or changed since it was read.
            return self._upload_again(request, _("The same rows were being changed; nothing was imported."))

    def _confirm(self, request: HttpRequest, *, upload: UUID, expected: str) -> HttpResponse:
        staff: Any = request.user
        file = uploads.take(pk=upload, owner_id=staff.pk, model=self.model)
        if file is None:
            return self._upload_again(request, GONE)
        with files.opened(file.content) as table:
            outcome = self._import(table, user=staff, file_name=file.name, expected=expected)
        return self.process_result(outcome, request)

    def _import(self, table: files.Table, **given: Any) -> Outcome:
        (resource,) = self.resource_classes
        outcome: Outcome = resource().import_data(table, rollback_on_validation_errors=True, **given)
        return outcome

    def _upload_again(self, request: HttpRequest, why: object) -> HttpResponse:
        messages.error(request, f"{why} {_('Please upload it again.')}")
        return HttpResponseRedirect(self._url("import"))

    def _url(self, page: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}")

    def process_result(self, outcome: Outcome, request: HttpRequest) -> HttpResponse:
        """Back to the list or, where the file no longer fits the shop, say why."""
        if outcome.fails:
            return self._page(request, form=UploadForm(), result=outcome)
        messages.success(
            request,
            _("Imported: %(new)s new, %(update)s changed, %(skip)s as they were.") % outcome.shown_totals,
        )
        return HttpResponseRedirect(self._url("changelist"))

    def _page(self, request: HttpRequest, **more: Any) -> HttpResponse:
        context = {
            **self.get_import_context_data(),
            **self.admin_site.each_context(request),
            **more,
            "title": _("Import"),
            "opts": self.opts,
        }
        return TemplateResponse(request, [self.import_template_name], context)

    def _do_file_export(
        self, file_format: Any, request: HttpRequest, queryset: QuerySet, **_given: Any
    ) -> HttpResponseBase:
        """The file, sent as it is made. Raises TooManyRows."""
        (resource,) = self.resource_classes
        name, kind = self.get_export_filename(request, queryset, file_format), file_format.get_content_type()
        staff: Any = request.user
        log = Log(staff_id=staff.pk, file=name, model=self.model)
        if isinstance(file_format, XLSX):
            file = downloads.as_xlsx(resource, queryset)
            log.went_out()
            return FileResponse(file, content_type=kind, as_attachment=True, filename=name)
        log.went_out()
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(
            downloads.as_csv(resource, queryset), content_type=f"{kind}; charset=utf-8", headers=disposition
        )
