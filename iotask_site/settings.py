"""Django's settings, and IoTask's own in IOTASK. The only place that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from iotask_site.env import Environment
from iotask_site.secret_key import key_of
from tasks_app import places
from tasks_app.policy import DIRECTIVES

BASE_DIR = Path.cwd() if places.INSTALLED.is_dir() else Path(__file__).resolve().parent.parent  # of an installed one: where it is started
env = Environment(os.environ)

DEBUG = env.flag("DEBUG")
SECRET_KEY = key_of(env.text("SECRET_KEY"), env.path("SECRET_KEY_FILE", ".iotask-secret-key", base=BASE_DIR), debug=DEBUG)
ALLOWED_HOSTS = list(env.items("ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]")))
CSRF_TRUSTED_ORIGINS = list(
    env.items("CSRF_TRUSTED_ORIGINS", each=r"https?://[^/,\s]+", wanted="origins with their scheme, such as https://tasks.example.org")
)

IOTASK = {
    "host": env.text("HOST", "127.0.0.1"),
    "port": env.integer("PORT", 8080, low=0, high=65_535),  # 0: any free one
    "max_memory": env.integer("IOTASK_MAX_MEMORY_MB", 0, low=0, high=100_000_000) * 2**20,
    "max_running": env.integer("IOTASK_MAX_RUNNING", 10_000, low=1, high=1_000_000),
    "max_waiting": env.integer("IOTASK_MAX_WAITING", 1_000_000, low=1, high=100_000_000),
    "max_schedules": env.integer("IOTASK_MAX_SCHEDULES", 1_000, low=0, high=10_000),
    "max_running_per_user": env.integer("IOTASK_MAX_RUNNING_PER_USER", 0, low=0, high=1_000_000) or None,
    "max_waiting_per_user": env.integer("IOTASK_MAX_WAITING_PER_USER", 0, low=0, high=100_000_000) or None,
    "effects_per_second": env.integer("IOTASK_EFFECTS_PER_SECOND", 0, low=0, high=1_000_000) or None,
    "launches_per_second": env.integer("IOTASK_LAUNCHES_PER_SECOND", 0, low=0, high=1_000_000) or None,
    "dials_per_second": env.integer("IOTASK_DIALS_PER_SECOND", 0, low=0, high=1_000_000) or None,
    "dials_at_once": env.integer("IOTASK_DIALS_AT_ONCE", 0, low=0, high=1_000_000) or None,
    "keep_finished": env.integer("IOTASK_KEEP_FINISHED", 10_000, low=0, high=100_000_000),
    "keep_bytes": env.integer("IOTASK_KEEP_MB", 64, low=1, high=1_000_000) * 2**20,
    "keep_hours": env.number("IOTASK_KEEP_HOURS", 24.0, low=0, high=1_000_000),
    "grace_seconds": env.number("IOTASK_GRACE_SECONDS", 10.0, low=0, high=86_400),
    "cancel_grace_seconds": env.number("IOTASK_CANCEL_GRACE_SECONDS", 5.0, low=0, high=3600),
    "limits": {
        "long_computation": env.integer("WORKER_COUNT", 10, low=1, high=1_000_000),
        **env.counts("IOTASK_LIMITS", low=1, high=1_000_000),
    },
    "retry_limits": env.counts("IOTASK_RETRY_LIMITS", low=1, high=1_000_000),
    "task_timeout": env.number("IOTASK_TASK_TIMEOUT", 0, low=0, high=604_800) or None,
    "handlers": env.items("IOTASK_HANDLERS", each=r"[^\W\d]\w*(\.[^\W\d]\w*)*", wanted="modules in dotted form: acme.tasks,acme.reports"),
    "max_body": env.integer("IOTASK_MAX_BODY_BYTES", 65_536, low=1024, high=1_000_000_000),
    "max_bulk_body": env.integer("IOTASK_MAX_BULK_BODY_BYTES", 16_777_216, low=1024, high=1_000_000_000),
    "max_dialect_body": env.integer("IOTASK_MAX_DIALECT_BODY_BYTES", 1_048_576, low=1024, high=1_000_000_000),
    "max_connections": env.integer("IOTASK_MAX_CONNECTIONS", 10_000, low=1, high=1_000_000),
    "max_connections_per_address": env.integer("IOTASK_MAX_CONNECTIONS_PER_ADDRESS", 0, low=0, high=1_000_000) or None,
    "max_sockets": env.integer("IOTASK_MAX_SOCKETS", 2_000, low=1, high=1_000_000),
    "max_sockets_per_user": env.integer("IOTASK_MAX_SOCKETS_PER_USER", 0, low=0, high=1_000_000) or None,
    "download_dir": env.path("DOWNLOAD_DIR", "downloads", base=BASE_DIR),
    "files_dir": env.path("FILES_DIR", "files", base=BASE_DIR),
    "journal": env.optional_path("IOTASK_JOURNAL", base=BASE_DIR),
    "log_dir": env.path("LOG_DIR", "logs", base=BASE_DIR),
    "log_format": env.text("LOG_FORMAT", "json", allowed=("json", "logfmt")),
    "log_max_bytes": env.integer("LOG_MAX_BYTES", 10_000_000, low=1000, high=10_000_000_000),
    "log_files": env.integer("LOG_FILES", 5, low=0, high=1000),
    "ping_address": env.text("IOTASK_PING_ADDRESS", "localhost"),
    "ping_port": env.integer("IOTASK_PING_PORT", 80, low=1, high=65_535),
    "ping_count": env.integer("IOTASK_PING_COUNT", 200, low=1, high=100_000),
    "ping_interval": env.number("IOTASK_PING_INTERVAL", 1.0, low=0.01, high=3600),
    "ping_timeout": env.number("IOTASK_PING_TIMEOUT", 2.0, low=0.1, high=60),
    "report_pause": env.number("IOTASK_REPORT_PAUSE", 10.0, low=0, high=3600),
    "job_timeout": env.number("IOTASK_JOB_TIMEOUT", 3.0, low=0.001, high=604_800),
    "job_seconds": env.number("IOTASK_JOB_SECONDS", 5.0, low=0, high=604_800),
    "targets": env.text("IOTASK_TARGETS"),
    "targets_metadata": env.flag("IOTASK_TARGETS_METADATA"),
    "http_ports": env.text("IOTASK_HTTP_PORTS", "80,443,8080,8443"),
    "webhooks": env.text("IOTASK_WEBHOOKS"),
    "webhook_secret": env.text("IOTASK_WEBHOOK_SECRET"),
    "webhook_secret_file": env.optional_path("IOTASK_WEBHOOK_SECRET_FILE", base=BASE_DIR),
    "webhook_hours": env.number("IOTASK_WEBHOOK_HOURS", 24.0, low=0.01, high=720),
    "handler_logs": env.text("IOTASK_HANDLER_LOGS", "info", allowed=("off", "debug", "info", "warning", "error")),
    "executor": env.text("IOTASK_EXECUTOR", "local", allowed=("local", "celery")),
    "broker_url": env.text("IOTASK_BROKER_URL"),
    "kafka": env.text("IOTASK_KAFKA"),
    "users": env.text("IOTASK_USERS"),
    "users_file": env.optional_path("IOTASK_USERS_FILE", base=BASE_DIR),
    "tokens": env.text("IOTASK_TOKENS"),
    "tokens_file": env.optional_path("IOTASK_TOKENS_FILE", base=BASE_DIR),
    "proxy_auth": env.text("IOTASK_PROXY_AUTH"),
    "proxy_auth_file": env.optional_path("IOTASK_PROXY_AUTH_FILE", base=BASE_DIR),
    "trusted_proxies": env.items("IOTASK_TRUSTED_PROXIES"),
    "plain_http": env.flag("IOTASK_PLAIN_HTTP"),
    "exit_when_stuck": env.flag("IOTASK_EXIT_WHEN_STUCK"),
    "read_only": env.flag("READ_ONLY"),
}

INSTALLED_APPS = [
    "tasks_app",  # before daphne: its runserver builds on Daphne's
    "channels",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
]
MIDDLEWARE = [
    "tasks_app.middleware.headers",
    "tasks_app.language.in_language",
    "tasks_app.packing.pages",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tasks_app.gate.Gate",
    "tasks_app.middleware.guard",
    "tasks_app.static_files.StaticFiles",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "iotask_site.urls"
ASGI_APPLICATION = "iotask_site.asgi.application"
APPEND_SLASH = False
DATABASES: dict[str, dict[str, str]] = {}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [places.TEMPLATES],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "tasks_app.web.account.account",
            ],
        },
    },
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ru", _("Russian"))]
LOCALE_PATHS = [places.PACKAGE / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [places.STATIC]
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True  # straight from static/ and the packages: nothing to collect before a start
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_MAX_AGE = 0  # of addresses without a version: pages name them with one
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "tasks_app.static_files.Storage", "OPTIONS": {"versioned": not DEBUG}},
}

CONTENT_SECURITY_POLICY = {"DIRECTIVES": DIRECTIVES}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"

LOG_LEVEL = env.text("LOG_LEVEL", "info", allowed=("debug", "info", "warning", "error")).upper()
_AT_LEAST_INFO = "INFO" if LOG_LEVEL == "DEBUG" else LOG_LEVEL
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"repeats": {"()": "tasks_app.logs.floods.Repeats"}},
    "handlers": {"stderr": {"()": "tasks_app.logs.outbox.stderr", "colours": not env.text("NO_COLOR"), "filters": ["repeats"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},  # a server adds app.log
    "loggers": {
        "django": {"handlers": [], "level": "NOTSET"},  # what Django gives it is taken away: its lines go where all lines go
        "django.request": {"level": "ERROR"},  # a 404 is the visitor's affair
        "django.template": {"level": _AT_LEAST_INFO},
        "django.utils.autoreload": {"level": _AT_LEAST_INFO},
        "asyncio": {"level": _AT_LEAST_INFO},
    },
}
