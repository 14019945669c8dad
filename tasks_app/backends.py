"""The name that a project puts into its TASKS setting: `tasks_app.backends.IoTaskBackend`. Needs Django 6.0 or newer."""

from __future__ import annotations

import django
from django.core.exceptions import ImproperlyConfigured

if django.VERSION < (6, 0):
    raise ImproperlyConfigured(
        f"tasks_app.backends needs django.tasks, which came with Django 6.0; this is Django {django.get_version()}. "
        "Everything else of IoTask works here: leave TASKS out of the settings."
    )

from tasks_app.django_tasks.backend import IoTaskBackend

__all__ = ["IoTaskBackend"]
