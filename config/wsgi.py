"""The WSGI application: `gunicorn -c config/gunicorn.py config.wsgi:application`."""

import os
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import connections, reset_queries
from django.utils.http import parse_header_parameters

from core import traces
from users.checks import UNVERIFIED_GATEWAY

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class UTF8Request(WSGIRequest):
    """Reads queries and forms as UTF-8, whatever charset the client names.

    Python knows charsets that decode to no text (`hex`) or to lone surrogates (`utf-7`). Django would use
    them, and what it cannot read of this header it raises before any middleware could answer.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            # As if the header were not there; the parser of multipart forms reads it again.
            meta["CONTENT_TYPE"] = ""
            self.content_type, self.content_params = "", {}


# gunicorn loads this in each worker, after the fork.
traces.start("web")
application = get_wsgi_application()
# After each request for nothing: neither of the caches has anything to close, and queries are kept for DEBUG.
request_finished.disconnect(close_caches)
if not settings.DEBUG:
    request_started.disconnect(reset_queries)
application.request_class = UTF8Request

log = structlog.get_logger(__name__)
if not settings.GATEWAY_SECRET and not settings.DEBUG:
    log.warning("gateway_not_verified", why=UNVERIFIED_GATEWAY)

# Only a web process bounds how long the database may take, for a migration takes what it takes. What
# DATABASE_URL sets comes after that, and so counts.
for database in connections.settings.values():
    database["ANSWER_SECONDS"] = settings.WEB_DATABASE_ANSWER_SECONDS
    options = database["OPTIONS"]
    options["options"] = f"{settings.WEB_DATABASE_BOUNDS} {options.get('options', '')}".strip()
application = traces.trace_requests(application)
