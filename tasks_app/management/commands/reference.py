"""`manage.py reference`: writes docs/reference/api.md from the OpenAPI document; for developing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tasks_app import handlers
from tasks_app.api.v2 import openapi
from tasks_app.api.v2.api import PREFIX, api
from tasks_app.api.v2.reference import page
from tasks_app.conf import folder
from tasks_app.engine.registry import Registry


def text() -> str:
    """The page, with the task types that come with IoTask."""
    registry = Registry()
    registry.discover(handlers)
    return page(openapi.document(api, PREFIX, registry))


class Command(BaseCommand):
    """Writes the page."""

    help = "Write docs/reference/api.md from the OpenAPI document."

    def add_arguments(self, parser: CommandParser) -> None:
        """Nothing to choose."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Whatever was there is put aside by what is true now."""
        path = folder() / "docs" / "reference" / "api.md"
        path.write_text(text(), "utf-8")
        self.stdout.write(f"Wrote {path}")
