"""What Django's error pages show of the settings."""

from django.views.debug import get_default_exception_reporter_filter

URL = "redis://:s3cr3t@host/0"


def test_service_urls_are_not_shown(settings):
    settings.DATA_PLATFORM_URL = settings.CELERY_BROKER_URL = settings.REDIS_URL = URL
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": URL}}
    shown = get_default_exception_reporter_filter().get_safe_settings()
    assert "s3cr3t" not in repr(shown)
    assert shown["TIME_ZONE"] == "Asia/Seoul"
