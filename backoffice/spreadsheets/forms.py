"""The forms around a file."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.contrib.import_export import forms as unfold_forms
from unfold.widgets import UnfoldAdminFileFieldWidget

from backoffice.spreadsheets.parser.limits import MAX_BYTES
from backoffice.spreadsheets.refusals import refusal


class UploadForm(forms.Form):
    """A file; of what kind it is, it says itself."""

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
    """Yes to a preview: to what it said that the file does."""

    upload = forms.UUIDField(widget=forms.HiddenInput)
    expected = forms.CharField(widget=forms.HiddenInput, max_length=100)


class DownloadForm(unfold_forms.ExportForm):
    """The kind of file that is wanted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["format"]
        field.label = _("Kind of file")
        field.choices = field.widget.choices = [(code, name.upper()) for code, name in field.choices if code]
