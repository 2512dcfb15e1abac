"""The forms around a file."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from backoffice.spreadsheets.parser.limits import MAX_BYTES
from backoffice.spreadsheets.refusals import refusal


class UploadForm(forms.Form):
    """A file; its kind is told by what is in it."""

    import_file = forms.FileField(
        label=_("File to import"), widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx,.xlsm"})
    )

    def clean_import_file(self) -> Any:
        """Raises ValidationError for more than an import reads."""
        file: Any = self.cleaned_data["import_file"]
        if (file.size or 0) > MAX_BYTES:
            raise refusal("too_big")
        return file


class ConfirmForm(forms.Form):
    """A yes to a preview: the file that was kept, and what the preview said that it does."""

    upload = forms.UUIDField(widget=forms.HiddenInput)
    expected = forms.CharField(widget=forms.HiddenInput, max_length=100)


class ExportForm(forms.Form):
    """The kind of file that is wanted."""

    CSV, XLSX = "0", "1"

    format = forms.ChoiceField(
        label=_("Kind of file"), choices=[(CSV, "CSV"), (XLSX, "XLSX")], widget=UnfoldAdminSelectWidget
    )
