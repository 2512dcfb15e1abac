"""The shop's settings as tests run them: contract defaults, whatever the environment or `.env` says."""

import os

from config.dotenv import SettingsError
from core.embedded.servers import SERVICES

os.environ.update(
    {
        "DEBUG": "1",
        "EMBEDDED_SERVICES": "1",
        "DATABASE_REPLICA_URL": "",
        "ALLOWED_HOSTS": "",
        "CSRF_TRUSTED_ORIGINS": "",
        "GATEWAY_SECRET": "",
        "CORS_ALLOWED_ORIGINS": "",
        "RATE_LIMITS": "",
        "DATA_PLATFORM_URL": "",
        "DATA_PLATFORM_SECRET": "",
        "EVENT_SOURCE": "",
        "CELERY_BROKER_URL": "",
        "CACHE_URL": "",
        "COUPON_VALID_DAYS": "30",
        "RANKING_DAYS": "3",
        "RANKING_SIZE": "5",
        "RANKING_CACHE_SECONDS": "0",
    }
)
# A database of its own in Redis, as pytest-django makes one in PostgreSQL: a running shop is left alone, and
# so are the tests in the process beside (`pytest -n 2`), which inherits what is set here.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["REDIS_URL"] = SERVICES.redis_url(db=2 + int(worker.removeprefix("gw")))
else:
    os.environ.setdefault("REDIS_URL", SERVICES.redis_url(db=1))

try:
    from config.settings import *
except SettingsError as reason:  # in words, where pytest-django would show a traceback
    raise SystemExit(str(reason)) from None

INSTALLED_APPS += ["django_migration_linter"]  # noqa: F405

# Tests empty the tables after themselves, the ledger included.
DATABASES["default"]["OPTIONS"]["options"] = "-c pointshop.may_empty_ledger=on"  # noqa: F405

BARE = False  # not as in tests/bare
