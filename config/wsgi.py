"""The WSGI application: `gunicorn -c config/gunicorn.py config.wsgi:application`."""

import os

import structlog
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

from users.checks import OPEN_DOOR

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

if not settings.GATEWAY_SECRET and not settings.DEBUG:
    structlog.get_logger(__name__).warning("gateway_not_verified", why=OPEN_DOOR)

# Only a web process bounds how long it waits for the database, for a migration takes what it takes, and keeps
# plans.
options = connections.settings["default"]["OPTIONS"]
options.update(settings.WEB_DATABASE_PATIENCE)
options.update(settings.WEB_DATABASE_STATEMENTS)
options["options"] = f"{options.get('options', '')} {settings.WEB_DATABASE_BOUNDS}".strip()
