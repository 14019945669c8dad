"""The module in which a project's functions are found by themselves."""

from __future__ import annotations

from django.tasks import task


@task()
def tidies() -> None:
    """Tidies up."""


@task()
async def tidies_slowly() -> None:
    """Tidies up, on the loop."""
