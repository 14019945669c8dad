"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class TasksAppConfig(AppConfig):
    """The engine starts with its first use, not here: `manage.py check` runs no tasks."""

    name = "tasks_app"
    verbose_name = "IoTask"

    def ready(self) -> None:
        """Register the system checks, and have functions marked with @task run here where TASKS says so. Both import task types, so not
        before all apps are loaded."""
        import tasks_app.checks  # noqa: F401
        from tasks_app.conf import own_task_backends

        if aliases := own_task_backends():
            from django.tasks import task_backends

            for alias in aliases:
                task_backends[alias]
