"""Settings, all of them from the environment (12-factor); a `.env` file in the project's folder is read."""

from celery.schedules import crontab
from kombu import Queue

from backoffice.unfold import UNFOLD as UNFOLD  # noqa: PLC0414 - a setting of the admin
from config import environment as env
from config import services
from config.dotenv import SettingsError
from config.endpoints import rate_limits
from config.logs import logging_config
from config.openapi import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS  # noqa: PLC0414 - a setting of drf-spectacular
from config.processors import usable_processors
from core.embedded.servers import SERVICES
from core.traces import check_endpoint
from orders.outbox.destination import Destination
from orders.outbox.sources import DEFAULT_SOURCE, check_source

# --- Identity -----------------------------------------------------------------------------------------------

# As in pyproject.toml; the data platform reads it in User-Agent.
VERSION = "1.0.0"
BASE_DIR = env.BASE_DIR
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.secret_key("SECRET_KEY", debug=DEBUG)
# Where the web server listens; a worker that shows metrics takes HOST, too.
HOST = env.host("HOST", default="127.0.0.1")
PORT = env.whole_number("PORT", least=1, most=65_535, default=8000)
# Without --concurrency. Celery itself would count the processors of the host.
CELERY_WORKER_CONCURRENCY = usable_processors()
WEB_CONCURRENCY = env.whole_number("WEB_CONCURRENCY", least=1, most=1000, default=CELERY_WORKER_CONCURRENCY)
FORWARDED_ALLOW_IPS = env.proxies("FORWARDED_ALLOW_IPS")
if DEBUG and not env.is_loopback(HOST):
    raise SettingsError("DEBUG shows too much to the public: turn it off, or let HOST be a loopback address")
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]", *([env.in_url(HOST)] if env.is_loopback(HOST) else [])]
ALLOWED_HOSTS = env.served_hosts("ALLOWED_HOSTS", required=not DEBUG) or LOCAL_HOSTS
if DEBUG and (public := set(ALLOWED_HOSTS) - set(LOCAL_HOSTS)):
    raise SettingsError(f"DEBUG shows too much to the public: turn it off to answer for {public}")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", required=not DEBUG, wildcards=True)
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS", required=False, wildcards=False)
CORS_EXPOSE_HEADERS = ["Location", "Retry-After", "X-Request-Id", "Idempotent-Replayed"]
# By authorization the gateway asks whose a request is.
CORS_ALLOW_HEADERS = [
    *("accept", "accept-language", "authorization", "content-type", "idempotency-key", "traceparent"),
    *("tracestate", "x-request-id", "x-user-id"),
]
CORS_URLS_REGEX = r"^/api/"
GATEWAY_SECRET = env.gateway_secret("GATEWAY_SECRET")

# --- The shop's rules ---------------------------------------------------------------------------------------

COUPON_VALID_DAYS = env.whole_number("COUPON_VALID_DAYS", least=1, most=36_500, default=30)
RANKING_DAYS = env.whole_number("RANKING_DAYS", least=1, most=36_500, default=3)
RANKING_SIZE = env.whole_number("RANKING_SIZE", least=1, most=1000, default=5)
RANKING_CACHE_SECONDS = env.whole_number("RANKING_CACHE_SECONDS", least=0, most=86_400, default=0)
RATE_LIMITS = rate_limits(env.checked("RATE_LIMITS", rate_limits))
DATA_PLATFORM_URL = env.checked("DATA_PLATFORM_URL", Destination.parse)
DATA_PLATFORM_SECRET = env.webhook_secret("DATA_PLATFORM_SECRET")
EVENT_SOURCE = env.checked("EVENT_SOURCE", check_source, default=DEFAULT_SOURCE)
# Of `make run`.
SEED_DEMO = env.flag("SEED_DEMO", default=True)

# --- PostgreSQL and Redis -----------------------------------------------------------------------------------

EMBEDDED_SERVICES = env.flag("EMBEDDED_SERVICES", default=DEBUG)
EMBEDDED_DATABASE = EMBEDDED_SERVICES and not env.text("DATABASE_URL")
EMBEDDED_REDIS = EMBEDDED_SERVICES and not env.text("REDIS_URL")
database = SERVICES.database_url() if EMBEDDED_DATABASE else env.required("DATABASE_URL")
redis = SERVICES.redis_url() if EMBEDDED_REDIS else env.required("REDIS_URL")

SESSIONS = {"ENGINE": "config.postgresql", "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
DATABASES = {"default": {**services.database("DATABASE_URL", database), **SESSIONS}}
if replica := env.text("DATABASE_REPLICA_URL"):
    # For reads that may be old (core/db/replica.py). There is nothing to test or to migrate in it.
    standby = services.database("DATABASE_REPLICA_URL", replica)
    DATABASES["replica"] = {**standby, **SESSIONS, "TEST": {"MIRROR": "default"}}
DATABASE_REPLICA_MAX_LAG_SECONDS = env.whole_number(
    "DATABASE_REPLICA_MAX_LAG_SECONDS", least=1, most=3600, default=10
)
# The web processes' bounds on waiting; commands and migrations have none (config/wsgi.py). By the last one,
# what waits for a row, with the COMMIT that was sent along, ends as soon as the process that sent it is dead.
WEB_DATABASE_BOUNDS = (
    "-c lock_timeout=3s -c statement_timeout=15s -c idle_in_transaction_session_timeout=15s"
    " -c client_connection_check_interval=10ms"
)
# Longer than a statement may take: only a COMMIT that waits for a standby is given up on by this. The API
# gives up on its own sooner (core/db/confirmation.py).
WEB_DATABASE_ANSWER_SECONDS = 20

# Hot statements (core/db/statements.py) are planned once for each connection. A pgbouncer older than 1.22
# loses the plans: there this is to be off.
PREPARED_STATEMENTS = env.flag("PREPARED_STATEMENTS", default=True)

# A database that cannot be reached, or a network that swallows what is sent, is noticed within seconds, by a
# worker and by commands, too. What DATABASE_URL says counts before it.
DATABASE_TIMEOUTS = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}

REDIS_URL = services.redis_url("REDIS_URL", redis)
REDIS_PATIENCE = {"socket_timeout": 1, "socket_connect_timeout": 1}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        **services.redis_cache(
            services.redis_url("CACHE_URL", env.text("CACHE_URL") or REDIS_URL),
            options={**REDIS_PATIENCE, "serializer": "core.json_cache.JSONSerializer"},
        ),
    },
    # More counters than sign-ins make in a quarter of an hour: a full cache drops any of them.
    "local": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

# --- Celery -------------------------------------------------------------------------------------------------

broker = services.celery_broker(
    services.redis_url("CELERY_BROKER_URL", env.text("CELERY_BROKER_URL") or REDIS_URL),
    # A worker waits for messages without a time-out. By the interval it leaves a silent Redis, in whose place
    # another may serve, after 11 seconds at most; by kombu's own after 51.
    transport_options={**REDIS_PATIENCE, "max_retries": 0, "health_check_interval": 5},
)
CELERY_BROKER_URL = broker["url"]
CELERY_BROKER_TRANSPORT_OPTIONS = broker["transport_options"]
CELERY_BROKER_TRANSPORT = "core.broker.transport:Transport"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A message is only a hint: what it hints at is in the database. If it were acknowledged, each time that Redis
# was too slow to take that would use up one of the worker's places for messages, until it asked for no more.
CELERY_TASK_QUEUES = [Queue("celery", no_ack=True)]
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True  # there are none; unset, it warns each time
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # whoever reaches Redis could stop the deliveries
CELERY_WORKER_CONSUMER = "core.broker.consumer:Consumer"
# Connections outlive their task; config/celery.py sees that none outlives its server.
CELERY_DB_REUSE_MAX = 10_000
# What a worker that is told to stop may still take for what it began: a turn of deliveries and its last post.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
# In memory: the schedule is all in this file, so there is nothing to keep.
CELERY_BEAT_SCHEDULER = "config.celery:FixedIntervalScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_BEAT_SCHEDULE = {
    "deliver what no wake-up delivered": {"task": "orders.deliver_order_events", "schedule": 1},
    "move the best sellers up to the present": {"task": "rankings.advance", "schedule": crontab()},
    "rebuild the best sellers": {"task": "rankings.recompute", "schedule": crontab(minute="12")},
    "store the hours that no order can enter": {"task": "rankings.fill_hours", "schedule": crontab()},
    "recount stored hours": {"task": "rankings.recount_hours", "schedule": crontab(hour="4", minute="32")},
    "forget old uploads": {"task": "seeding.forget_uploads", "schedule": crontab(minute="*/10")},
    "forget old refusals": {"task": "refusals.forget_old", "schedule": crontab(minute="42")},
}
CELERY_TIMEZONE = "Asia/Seoul"

# A worker shows its metrics here; 0: it does not.
METRICS_PORT = env.whole_number("METRICS_PORT", least=0, most=65_535, default=0)
# Beat touches the first as it ticks, a worker the second as its own loop turns.
BEAT_FILE = env.file_to_touch("BEAT_FILE")
WORKER_FILE = env.file_to_touch("WORKER_FILE")
# What else OpenTelemetry reads (OTEL_…) it reads itself.
OTEL_EXPORTER_OTLP_ENDPOINT = env.checked("OTEL_EXPORTER_OTLP_ENDPOINT", check_endpoint)

# --- Django -------------------------------------------------------------------------------------------------

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    # Before Django's admin, whose templates it replaces.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "backoffice.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "core",
    "backoffice.apps.BackofficeConfig",
    "backoffice.spreadsheets",
    "backoffice.refusals",
    "users",
    "products",
    "points",
    "coupons",
    "orders",
    "rankings",
    "local",
]

MIDDLEWARE = [
    "core.http.middleware.request_ids",
    "backoffice.refusals.recording.record_refusals",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "core.http.middleware.ProblemResponses",
    "django.middleware.security.SecurityMiddleware",
    "core.http.middleware.refuse_ambiguous_paths",
    "core.http.middleware.ignore_ranges",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.http.middleware.AllowedHosts",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.http.middleware.content_security_policy",
    # What follows runs for the admin alone.
    "core.http.middleware.SkipAdminMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.http.middleware.admin_locale",
    "backoffice.particles.korean_particles",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "backoffice" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LOGIN_REDIRECT_URL = "admin:index"
SESSION_ENGINE = "backoffice.sessions"
LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", "한국어"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["backoffice.formats"]
TIME_ZONE = "Asia/Seoul"
USE_TZ = True

# Only the admin takes files, one at a time.
DATA_UPLOAD_MAX_NUMBER_FILES = 1
STATIC_URL = "/static/"
# Where the manual of each language is, with its pictures, which are static files.
MANUALS = {"ko": BASE_DIR / "docs" / "ko", "en": BASE_DIR / "docs"}
STATICFILES_DIRS = [(f"{language}/manual", folder / "manual") for language, folder in MANUALS.items()]
STATIC_ROOT = BASE_DIR / ".local" / "static"
WHITENOISE_USE_FINDERS = True

LOGGING = logging_config(readable=DEBUG)
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.reports.ReporterFilter"

# A proxy in front ends TLS. The web server drops this header unless it comes from FORWARDED_ALLOW_IPS.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SILENCED_SYSTEM_CHECKS = [
    # Sending people to https, and what holds for sibling domains, is decided where TLS ends.
    "security.W005",
    "security.W008",
    "security.W021",
]

# --- The API ------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["users.authentication.GatewayAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["users.authentication.IsRegistered"],
    "DEFAULT_PARSER_CLASSES": ["core.http.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "core.http.pagination.KeysetPagination",
    "DEFAULT_THROTTLE_CLASSES": ["core.http.throttling.EndpointThrottle"] if RATE_LIMITS else [],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "core.http.schema.ShopSchema",
    "EXCEPTION_HANDLER": "core.http.handler.handle_exception",
    "UNAUTHENTICATED_USER": None,
    # A lone surrogate, which no field that a client sends can be named.
    "NON_FIELD_ERRORS_KEY": "\ud800",
    "URL_FORMAT_OVERRIDE": None,
}
