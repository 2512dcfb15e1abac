"""The WSGI application: `gunicorn -c config/gunicorn.py config.wsgi:application`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# Only a web process bounds how long it waits for the database; a migration takes what it takes.
connections.settings["default"]["OPTIONS"]["options"] = settings.WEB_DATABASE_BOUNDS
