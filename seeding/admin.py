"""Pages of the admin whose rows come and go by file."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
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
from django.views.decorators.http import require_POST
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import CSV, XLSX, Format

from api.admin import SeedingAdmin
from api.sqlstates import Meaning, meaning_of
from seeding import downloads, files, uploads
from seeding.forms import ConfirmForm, DownloadForm, UploadForm
from seeding.outcomes import MOST_SHOWN, MOST_WRONG, Outcome
from seeding.resources import FileResource
from seeding.writing import Log


class AnyFile(Format):
    """CSV or XLSX, whichever it is."""

    def get_title(self) -> str:
        """What to call it."""
        return "CSV, XLSX"

    def create_dataset(self, in_stream: bytes) -> files.Table:
        """The file's table. Raises ValidationError."""
        return files.read(in_stream)

    def can_import(self) -> bool:
        """It can."""
        return True


class FilesAdmin(ImportExportMixin, SeedingAdmin):
    """Rows that operators put in one by one or by file, with a preview, all of the file or nothing."""

    resource_classes: list[type[FileResource]]
    import_formats = [AnyFile]
    export_formats = [CSV, XLSX]
    import_form_class = UploadForm
    confirm_form_class = ConfirmForm
    export_form_class = DownloadForm
    import_template_name = "seeding/import.html"
    export_template_name = "seeding/export.html"
    tmp_storage_class = uploads.UploadStorage

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
            "most_rows": f"{files.MOST_ROWS:,}",
            "most_shown": f"{MOST_SHOWN:,}",
            "most_wrong": MOST_WRONG,
        }

    def get_import_data_kwargs(self, **given: Any) -> dict[str, Any]:
        """All of the file or nothing; and what was confirmed, once it is."""
        expected = given["form"].cleaned_data.get("expected")
        return {"expected": expected, "rollback_on_validation_errors": True}

    def add_data_read_fail_error_to_form(self, form: UploadForm, error: Exception) -> None:
        """Say why a file is none of ours; anything else is a bug."""
        if not isinstance(error, ValidationError):
            raise error
        form.add_error("import_file", error)

    def import_action(self, request: HttpRequest, **given: Any) -> HttpResponse:
        """The upload's page or, with a file, its preview."""
        page: TemplateResponse = super().import_action(request, **given)
        context = page.context_data or {}
        if confirm := context.get("confirm_form"):
            confirm.initial["expected"] = context["result"].summary
        return page

    @method_decorator(require_POST)
    def process_import(self, request: HttpRequest, **_given: Any) -> HttpResponse:
        """Import the file whose preview was confirmed."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = self.create_confirm_form(request)
        content = uploads.take(name=form.cleaned_data["import_file_name"]) if form.is_valid() else None
        if content is None:
            return self._once_more(request, _("This file was imported already, or it waited too long."))
        try:
            outcome = self.process_dataset(files.read(content), form, request)
        except (OperationalError, IntegrityError) as error:
            if meaning_of(error) is Meaning.UNAVAILABLE:
                raise
            # A row that was locked for long, or that somebody took or changed since it was read.
            return self._once_more(request, _("The same rows were being changed; nothing was imported."))
        return self.process_result(outcome, request)

    def _once_more(self, request: HttpRequest, why: str) -> HttpResponse:
        messages.error(request, f"{why} {_('Please upload it again.')}")
        return HttpResponseRedirect(self._url("import"))

    def _url(self, page: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}")

    def process_result(self, outcome: Outcome, request: HttpRequest) -> HttpResponse:
        """Back to the list or, where the file no longer fits the shop, say why."""
        if outcome.fails:
            form = UploadForm(self.get_import_formats(), self.resource_classes)
            return self._page(request, form=form, result=outcome)
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
