"""The forms around a file."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from import_export.forms import ConfirmImportForm
from unfold.contrib.import_export import forms as unfold_forms

from seeding.files import too_big


class UploadForm(unfold_forms.ImportForm):
    """A file; of what kind it is, it says itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["format"].widget = forms.HiddenInput()
        self.initial["format"] = "0"
        self.fields["import_file"].widget.attrs["accept"] = ".csv,.xlsx"

    @property
    def media(self) -> forms.Media:
        """No scripts: there is no format to guess."""
        return forms.Media()

    def clean_import_file(self) -> Any:
        """Raises ValidationError for more than an import reads."""
        file: Any = self.cleaned_data["import_file"]
        if too_big(file.size or 0):
            raise ValidationError(too_big(file.size or 0))
        return file


class ConfirmForm(ConfirmImportForm):
    """Yes to a preview: to what it said that the file does."""

    expected = forms.CharField(widget=forms.HiddenInput)


class DownloadForm(unfold_forms.ExportForm):
    """The kind of file that is wanted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["format"]
        field.label = _("Kind of file")
        field.choices = field.widget.choices = [(code, name.upper()) for code, name in field.choices if code]
