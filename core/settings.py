"""Every setting of the product, parsed once from the environment and validated together.

A wrong value stops the start with the full list of what to mend. Durations are seconds in the
environment and timedeltas here. `.env.example` documents each variable.
"""

import os
import sys
from datetime import timedelta
from typing import Any

from environs import EnvValidationError
from marshmallow.validate import Length, OneOf, Regexp

from core.environment import BASE_DIR, YEAR, are_ports, between, days, each_between, env, network, seconds
from core.local_secrets import LocalSecrets
from core.openapi_settings import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from core.production import ENVIRONMENTS, Chosen, problems

# Production refuses to start with what suits a checkout alone: core/production.py.
ENVIRONMENT = env.str("ENVIRONMENT", default="development", validate=OneOf(ENVIRONMENTS))
_IN_PRODUCTION = ENVIRONMENT == "production"

# --- Secrets: from the environment, else from a file of this checkout that only its owner can read ---
DEBUG = env.bool("DEBUG", default=False)
_local_secrets: bool | None = env.bool("LOCAL_SECRETS", default=True)
_local = LocalSecrets(BASE_DIR / ".secrets.json", enabled=bool(_local_secrets) and not _IN_PRODUCTION)
SECRET_KEY = env.str("SECRET_KEY", validate=Length(32), **_local.default("SECRET_KEY"))
API_KEY_HASH_KEY = env.str("API_KEY_HASH_KEY", validate=Length(32), **_local.default("API_KEY_HASH_KEY"))
WEBHOOK_SECRET_KEYS = env.list(
    "WEBHOOK_SECRET_KEYS", validate=Length(1), **_local.default_list("WEBHOOK_SECRET_KEYS")
)

# --- Web ---
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# Where payers reach us: the page on which they authenticate is a link in the API's answers.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000")
ROOT_URLCONF = "core.urls"
WSGI_APPLICATION = "core.wsgi.application"
APPEND_SLASH = False
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=65_536, validate=between(1_024, 16_777_216))
API_RATE_LIMIT = env.float("API_RATE_LIMIT", default=0.0, validate=between(0, 1_000_000))
API_RATE_LIMIT_PER_ADDRESS = env.float(
    "API_RATE_LIMIT_PER_ADDRESS", default=0.0, validate=between(0, 1_000_000)
)
API_FAILED_KEYS_PER_MINUTE = env.int("API_FAILED_KEYS_PER_MINUTE", default=60, validate=between(0, 1_000_000))
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[], subcast=network)
# Each worker takes one of the ports; none are served where there are none.
API_METRICS = {
    "PORTS": env.str("API_METRICS_PORTS", default="", validate=are_ports),
    "HOST": env.str("API_METRICS_HOST", default="127.0.0.1"),
}
API_LOG_REQUESTS = env.bool("API_LOG_REQUESTS", default=False)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if _IN_PRODUCTION:
    # TLS ends at the proxy, which says so in this header and lets no client's own through.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
SILENCED_SYSTEM_CHECKS = [
    "security.W003",  # cookies authenticate on the pages alone, and PagesMiddleware judges their tokens
    "security.W005",  # whether the domain's other hosts have TLS is not ours to say,
    "security.W021",  # nor whether browsers' lists shall have it
    "security.W008",  # the proxy ends TLS; a redirect would come after the key was sent in the clear
]

INSTALLED_APPS = [
    "core",  # before staticfiles: the first app's runserver is the one that runs
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "outbox",
    "dispatcher",
    "api",
]
MIDDLEWARE = [
    "api.metrics_middleware.MetricsMiddleware",
    "api.tracing_middleware.TracingMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "api.middleware.RequestMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "api.pages.middleware.PagesMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Static files are a handful: the API serves them itself, out of the packages, in production too.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 86_400
# The operations pages: Django's own users and sessions, and cookies that are sent to these pages alone.
LOGIN_URL = "/ops/login/"
SESSION_COOKIE_NAME = "ministripe_session"
SESSION_COOKIE_PATH = "/ops/"
OPERATIONS_SESSION = {
    "LONGEST": seconds("OPERATIONS_SESSION_SECONDS", 43_200.0, least=60),
    "IDLE": seconds("OPERATIONS_SESSION_IDLE_SECONDS", 3_600.0, least=60),
}
SESSION_COOKIE_AGE = int(OPERATIONS_SESSION["LONGEST"].total_seconds())
LOGIN_ATTEMPTS_PER_MINUTE = env.int("LOGIN_ATTEMPTS_PER_MINUTE", default=5, validate=between(0, 1_000_000))
SESSION_COOKIE_SECURE = _IN_PRODUCTION
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "ministripe_csrf"
CSRF_COOKIE_PATH = "/ops/"
CSRF_COOKIE_SECURE = _IN_PRODUCTION
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "api.pages.middleware.csrf_failure"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

# --- PostgreSQL ---
# Timeouts end what a lost peer or a stuck transaction would hold for ever; a connection lives a
# minute, so a failed-over server is found again without a health query before every request.
DATABASES: dict[str, Any] = {"default": env.dj_db_url("DATABASE_URL", conn_max_age=60)}
if DATABASES["default"]:
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    _options.setdefault("connect_timeout", 5)
    _options.setdefault("application_name", "ministripe")
    _options.setdefault("tcp_user_timeout", 15_000)
    _options.setdefault("keepalives_idle", 10)
    _options.setdefault("keepalives_interval", 5)
    _options.setdefault("keepalives_count", 3)
    _options["options"] = " ".join(
        [
            _options.get("options", ""),
            f"-c statement_timeout={env.int('STATEMENT_TIMEOUT_MS', default=30_000)}",
            f"-c lock_timeout={env.int('LOCK_TIMEOUT_MS', default=10_000)}",
            "-c idle_in_transaction_session_timeout=60000",
            # Locks are taken in one statement and built upon by the next, which needs a snapshot of its own.
            "-c default_transaction_isolation=read\\ committed",
            # Solid-state disks: following an index is nearly as cheap as reading on.
            "-c random_page_cost=1.1",
        ]
    ).strip()
    DATABASES["default"]["ATOMIC_REQUESTS"] = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The simulated bank and the settlement of what it answers ---
BANK = {
    "DELAY": seconds("BANK_DELAY_SECONDS", 2.0),
    "SUCCESS_RATE": env.float("BANK_SUCCESS_RATE", default=0.8, validate=between(0, 1)),
    "SEED": env.int("BANK_SEED", default=None),
}
SETTLEMENT = {"LEASE": seconds("SETTLEMENT_LEASE_SECONDS", 30.0, least=1)}
LEDGER = {
    "FEE_PERCENT": env.float("FEE_PERCENT", default=2.9, validate=between(0, 100)),
    "FEE_FIXED": env.int("FEE_FIXED", default=30, validate=between(0, 99_999_999)),
    "AVAILABLE_AFTER": seconds("FUNDS_AVAILABLE_AFTER_SECONDS", 172_800.0),
}
IDEMPOTENCY = {
    # How long a write that never came back keeps its key; afterwards a retry resumes it.
    "LEASE": seconds("IDEMPOTENCY_LEASE_SECONDS", 60.0, least=1),
    "RETENTION": seconds("IDEMPOTENCY_RETENTION_SECONDS", 86_400.0, least=86_400),
}

# --- The Stripe CLI: where it opens its WebSocket, and how long its session outlives its last sign of life ---
CLI_RELAY: dict[str, Any] = {
    "URL": env.str("CLI_RELAY_URL", default="ws://127.0.0.1:8001/", validate=Regexp(r"wss?://[^?#\s]+")),
    "SESSION_LIFETIME": seconds("CLI_SESSION_LIFETIME_SECONDS", 3_600.0, least=60),
}

# --- How long history is kept: what is older is dropped by `manage.py maintain_partitions` ---
REQUEST_LOG = {"RETENTION": days("REQUEST_LOG_RETENTION_DAYS", 30)}
AUDIT_LOG = {"RETENTION": days("AUDIT_RETENTION_DAYS", 730)}
OUTBOX = {
    "EVENT_RETENTION": days("EVENT_RETENTION_DAYS", 396),
    # Dispatchers poll in any case; a notification only shortens the wait of an idle one.
    "NOTIFY": env.bool("OUTBOX_NOTIFY", default=True),
    # False for a process behind a pooler in transaction mode.
    "PREPARE": env.bool("OUTBOX_PREPARE", default=True),
    # Spans by OpenTelemetry; where they go is said by its own OTEL_… variables.
    "TRACING": env.bool("TRACING", default=False),
    "LOG_FORMAT": env.str("LOG_FORMAT", default="auto", validate=OneOf(("auto", "json", "text"))),
}

# --- Webhooks ---
_retry_seconds: list[float] | None = env.list(
    "WEBHOOK_RETRY_SCHEDULE_SECONDS", default=[], subcast=float, validate=each_between(0.001, YEAR)
)
_disable_after_days: float | None = env.float(
    "WEBHOOK_DISABLE_AFTER_DAYS", default=5.0, validate=between(0, 3_660)
)
DISPATCHER: dict[str, Any] = {
    "RENDER_EVENT": "core.versions.render_event",
    "SECRET_KEYS": WEBHOOK_SECRET_KEYS,
    "ATTEMPT_TIMEOUT": seconds("WEBHOOK_ATTEMPT_TIMEOUT_SECONDS", 15.0, least=0.1),
    "CONNECT_TIMEOUT": seconds("WEBHOOK_CONNECT_TIMEOUT_SECONDS", 5.0, least=0.1),
    "LEASE": seconds("WEBHOOK_LEASE_SECONDS", 30.0, least=0.2),
    "CONCURRENCY": env.int("WEBHOOK_CONCURRENCY", default=256),
    "MAX_IN_FLIGHT": env.int("WEBHOOK_MAX_IN_FLIGHT", default=64),
    "MAX_ENDPOINTS_PER_OWNER": env.int(
        "WEBHOOK_MAX_ENDPOINTS_PER_ACCOUNT", default=16, validate=between(1, 1_000_000)
    ),
    "CIRCUIT_THRESHOLD": env.int("WEBHOOK_CIRCUIT_THRESHOLD", default=10),
    "CIRCUIT_PAUSE": seconds("WEBHOOK_CIRCUIT_PAUSE_SECONDS", 5.0),
    "CIRCUIT_PAUSE_CAP": seconds("WEBHOOK_CIRCUIT_PAUSE_CAP_SECONDS", 300.0),
    # 0 days is never.
    "DISABLE_AFTER": timedelta(days=_disable_after_days) if _disable_after_days else None,
    "RETRY_SCHEDULE": [timedelta(seconds=step) for step in _retry_seconds or []],
    "BROKER_URL": env.str("WEBHOOK_BROKER_URL", default=None),
    "ALLOW_HTTP": env.bool("WEBHOOK_ALLOW_HTTP", default=False),
    "ALLOW_ADDRESSES": env.list("WEBHOOK_ALLOW_ADDRESSES", default=[]),
    "DENY_ADDRESSES": env.list("WEBHOOK_DENY_ADDRESSES", default=[]),
    "EXTRA_PORTS": env.list("WEBHOOK_EXTRA_PORTS", default=[]),
    "ATTEMPT_RETENTION": days("ATTEMPT_RETENTION_DAYS", 30),
    "REPLAY_LIMIT": env.int("WEBHOOK_REPLAY_LIMIT", default=100_000),
    "ROLLUPS": env.bool("WEBHOOK_ROLLUPS", default=True),
    "ROLLUP_RETENTION": days("ROLLUP_RETENTION_DAYS", 35),
    "CA_BUNDLE": env.str("WEBHOOK_CA_BUNDLE", default=None),
}

# --- The edge. Views name their own parsers and authentication; the API knows no anonymous users or sessions. ---
REST_FRAMEWORK: dict[str, Any] = {
    "EXCEPTION_HANDLER": "api.exception_handling.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "DEFAULT_SCHEMA_CLASS": "api.openapi.ApiSchema",
}

# Requests are logged in PostgreSQL and attempts on stdout; what is left are faults of our own.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "core.logs.RedactedFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
        "json": {"()": "core.logs.JsonFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json" if OUTBOX["LOG_FORMAT"] == "json" else "line",
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"django.request": {"level": "ERROR"}},
}

_unusable: list[tuple[str, str]] = []
try:
    env.seal()
except EnvValidationError as error:
    for _name, _messages in dict(error.error_messages).items():  # type: ignore[arg-type]
        _texts = [m if isinstance(m, str) else f"item {m + 1} is not valid." for m in _messages]
        _unusable.append((_name, " ".join(_texts)))
if (
    any(_name == "DATABASE_URL" for _name, _ in _unusable)
    or "postgresql" not in DATABASES["default"]["ENGINE"]
):
    _where = "Must be where PostgreSQL is, such as postgresql://user:password@localhost:5432/ministripe."
    _unusable = [one for one in _unusable if one[0] != "DATABASE_URL"]
    _unusable.append(("DATABASE_URL", f"{_where} `make demo` needs none: it brings its own."))
if _IN_PRODUCTION:
    _unusable += problems(
        Chosen(
            debug=DEBUG,
            local_secrets=_local_secrets,
            secret_key=SECRET_KEY,
            api_key_hash_key=API_KEY_HASH_KEY,
            webhook_secret_keys=WEBHOOK_SECRET_KEYS,
            allowed_hosts=ALLOWED_HOSTS,
            public_url=PUBLIC_URL,
            cli_relay_url=CLI_RELAY["URL"],
            allow_http=DISPATCHER["ALLOW_HTTP"],
            allow_addresses=DISPATCHER["ALLOW_ADDRESSES"],
            crash_at=os.environ.get("CRASH_AT"),
        )
    )
if _unusable:
    sys.stderr.write("Settings are not usable; mend each of these environment variables:\n")
    sys.stderr.writelines(f"  {name}: {text}\n" for name, text in _unusable)
    raise SystemExit(2)
