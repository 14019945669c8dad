"""The shop's settings: in much they are not what IoTask has in its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import django

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "s" * 60
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "shop",
    "tasks_app",
]
MIDDLEWARE = [
    "shop.middleware.by_the_shop",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "shop.urls"
ASGI_APPLICATION = "shop.asgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "shop.sqlite3"}}
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "shop" / "templates"],
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
STATIC_URL = "assets/"
LOGIN_URL = "admin:login"
LANGUAGE_CODE = "de"
USE_THOUSAND_SEPARATOR = True
IOTASK = {"log_dir": BASE_DIR / "logs", "targets": "any", "tokens": os.environ.get("TOKENS", ""), "grace_seconds": 0.2}
if django.VERSION >= (6, 0):
    server = {"URL": os.environ.get("IOTASK_URL", ""), "TOKEN": os.environ.get("IOTASK_TOKEN", "")}
    TASKS = {"default": {"BACKEND": "tasks_app.backends.IoTaskBackend", "OPTIONS": server}}
