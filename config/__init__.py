"""Wiring: settings, URLs, Celery, WSGI and the embedded services."""

import os
import sys
from pathlib import Path

from config.dotenv import COUNTERS, is_usable_folder

folder = os.environ.get(COUNTERS)
if folder is not None and not (folder and is_usable_folder(Path(folder))):
    # prometheus_client would make files there in the imports below. Celery shows the trace of any Exception.
    sys.exit(f"{COUNTERS} must be a folder that this account can write into, or unset")

from config.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
