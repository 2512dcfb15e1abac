"""What Django's error pages and Celery's report show of the settings."""

import re
import subprocess
import sys

from django.views.debug import get_default_exception_reporter_filter

from tests.kit.processes import ROOT, environment

URL = "redis://:s3cr3t@host/0"


def test_service_urls_are_not_shown(settings):
    settings.DATA_PLATFORM_URL = settings.CELERY_BROKER_URL = settings.REDIS_URL = URL
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": URL}}
    shown = get_default_exception_reporter_filter().get_safe_settings()
    assert "s3cr3t" not in repr(shown)
    assert shown["TIME_ZONE"] == "Asia/Seoul"


def test_celery_report_shows_no_secret():
    urls = {
        "DATABASE_URL": "postgresql://shop:s3cr3t-word@db/shop",
        "REDIS_URL": "sentinel://:s3cr3t-1@a;sentinel://:s3cr3t-1@b/0?master_name=x&sentinel_password=s3cr3t-2",
        "CELERY_BROKER_URL": "redis://:s3cr3t-word@broker/0",
        "CACHE_URL": "unix:///run/redis.sock?password=s3cr3t-word",
        "DATA_PLATFORM_URL": "https://shop:s3cr3t-word@platform.example/?token=s3cr3t-word",
    }
    secrets = {"SECRET_KEY": "s3cr3t" * 9, "GATEWAY_SECRET": "s3cr3t-word"}
    given = environment(EMBEDDED_SERVICES="0", **urls, **secrets)
    command = [sys.executable, "-m", "celery", "-A", "config", "report"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=True)
    assert "TIME_ZONE: 'Asia/Seoul'" in done.stdout
    assert not re.findall(".*s3cr3t.*", done.stdout + done.stderr)
