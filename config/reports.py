"""Django's pages and mails about errors."""

import re

from django.views.debug import SafeExceptionReporterFilter

from config.logs import ADDRESSES


class ReporterFilter(SafeExceptionReporterFilter):
    """Also hides the URLs of services, which may hold passwords."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|{ADDRESSES}", re.IGNORECASE
    )
