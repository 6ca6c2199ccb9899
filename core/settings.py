"""Every setting of the product, parsed once from the environment and validated together.

A wrong value stops the start with the full list of what to mend. Durations are seconds in the
environment and timedeltas here. `.env.example` documents each variable.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from environs import Env, EnvValidationError

from core.local_secrets import LocalSecrets

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env(eager=False)
env.read_env(BASE_DIR / ".env", recurse=False)


def _seconds(name: str, default: float, *, least: float = 0.0) -> timedelta:
    def check(value: float) -> None:
        if not least <= value <= 366 * 86_400:
            raise EnvValidationError(f"must be between {least:g} and 31622400 seconds", [f"got {value:g}"])

    return timedelta(seconds=env.float(name, default=default, validate=check) or 0.0)


def _between(low: float, high: float) -> Any:
    def check(value: float) -> None:
        if not low <= value <= high:
            raise EnvValidationError(f"must be between {low:g} and {high:g}", [f"got {value:g}"])

    return check


# --- Secrets: from the environment, else from a file of this checkout that only its owner can read ---
DEBUG = env.bool("DEBUG", default=False)
_local = LocalSecrets(BASE_DIR / ".secrets.json", enabled=env.bool("LOCAL_SECRETS", default=True))
SECRET_KEY = env.str("SECRET_KEY", default=_local.get("SECRET_KEY"))
API_KEY_HASH_KEY = env.str("API_KEY_HASH_KEY", default=_local.get("API_KEY_HASH_KEY"))
WEBHOOK_SECRET_KEYS = env.list("WEBHOOK_SECRET_KEYS", default=_local.get_list("WEBHOOK_SECRET_KEYS"))
for _name, _value in (
    ("SECRET_KEY", SECRET_KEY),
    ("API_KEY_HASH_KEY", API_KEY_HASH_KEY),
    ("WEBHOOK_SECRET_KEYS", WEBHOOK_SECRET_KEYS),
):
    if not _value:
        env._errors[_name].append("is required where LOCAL_SECRETS is false: set it in the environment")

# --- Web ---
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
ROOT_URLCONF = "core.urls"
WSGI_APPLICATION = "core.wsgi.application"
APPEND_SLASH = False
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=65_536, validate=_between(1_024, 16_777_216))
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "outbox",
    "dispatcher",
    "core",
    "api",
]
MIDDLEWARE = ["api.middleware.RequestMiddleware", "django.middleware.security.SecurityMiddleware"]
TEMPLATES: list[dict[str, Any]] = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}
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
    _options["options"] = " ".join(
        [
            _options.get("options", ""),
            f"-c statement_timeout={env.int('STATEMENT_TIMEOUT_MS', default=30_000)}",
            f"-c lock_timeout={env.int('LOCK_TIMEOUT_MS', default=10_000)}",
            "-c idle_in_transaction_session_timeout=60000",
            # Solid-state disks: following an index is nearly as cheap as reading on.
            "-c random_page_cost=1.1",
        ]
    ).strip()
    DATABASES["default"]["ATOMIC_REQUESTS"] = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The simulated bank and the settlement of what it answers ---
BANK = {
    "DELAY": _seconds("BANK_DELAY_SECONDS", 2.0),
    "SUCCESS_RATE": env.float("BANK_SUCCESS_RATE", default=0.8, validate=_between(0, 1)),
    "SEED": env.int("BANK_SEED", default=None),
}
SETTLEMENT = {"LEASE": _seconds("SETTLEMENT_LEASE_SECONDS", 30.0, least=1)}
IDEMPOTENCY = {
    # How long a write that never came back keeps its key; afterwards a retry resumes it.
    "LEASE": _seconds("IDEMPOTENCY_LEASE_SECONDS", 60.0, least=1),
    "RETENTION": _seconds("IDEMPOTENCY_RETENTION_SECONDS", 86_400.0, least=86_400),
}

# --- Webhooks ---
DISPATCHER: dict[str, Any] = {
    "RENDER_EVENT": "core.versions.render_event",
    "SECRET_KEYS": WEBHOOK_SECRET_KEYS,
    "ATTEMPT_TIMEOUT": _seconds("WEBHOOK_ATTEMPT_TIMEOUT_SECONDS", 15.0, least=0.1),
    "CONNECT_TIMEOUT": _seconds("WEBHOOK_CONNECT_TIMEOUT_SECONDS", 5.0, least=0.1),
    "LEASE": _seconds("WEBHOOK_LEASE_SECONDS", 30.0, least=0.2),
    "CONCURRENCY": env.int("WEBHOOK_CONCURRENCY", default=256),
    "MAX_IN_FLIGHT": env.int("WEBHOOK_MAX_IN_FLIGHT", default=64),
    "RETRY_SCHEDULE": [
        timedelta(seconds=float(step))
        for step in env.list("WEBHOOK_RETRY_SCHEDULE_SECONDS", default=[]) or []
    ],
    "ALLOW_HTTP": env.bool("WEBHOOK_ALLOW_HTTP", default=False),
    "ALLOW_ADDRESSES": env.list("WEBHOOK_ALLOW_ADDRESSES", default=[]),
    "DENY_ADDRESSES": env.list("WEBHOOK_DENY_ADDRESSES", default=[]),
    "EXTRA_PORTS": env.list("WEBHOOK_EXTRA_PORTS", default=[]),
    "CA_BUNDLE": env.str("WEBHOOK_CA_BUNDLE", default=None),
}

# --- The edge. Views name their own parsers and authentication; there are no anonymous users or sessions. ---
REST_FRAMEWORK: dict[str, Any] = {
    "EXCEPTION_HANDLER": "api.exception_handling.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "DEFAULT_SCHEMA_CLASS": "api.openapi.ApiSchema",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Mini Stripe",
    "VERSION": "2026-11-22",
    "DESCRIPTION": (
        "Payments and signed webhooks. The paths without `/v1` speak the plain dialect, "
        "those under `/v1` Stripe's: the official SDKs work with them."
    ),
    "OAS_VERSION": "3.1.0",
    "PREPROCESSING_HOOKS": ["api.openapi.dialect_paths"],
    "ENABLE_LIST_MECHANICS_ON_NON_2XX": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/",
    "SERVE_INCLUDE_SCHEMA": False,
}

LOGGING_CONFIG = None

try:
    env.seal()
except EnvValidationError as error:
    _lines = [f"  {name}: {'; '.join(messages)}" for name, messages in error.error_messages.items()]
    sys.stderr.write(
        "Settings are not usable; mend each of these environment variables:\n" + "\n".join(_lines) + "\n"
    )
    raise SystemExit(2) from None
