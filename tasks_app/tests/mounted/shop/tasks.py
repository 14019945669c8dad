"""What the shop has done in the background."""

from __future__ import annotations

from typing import Any

import django

if django.VERSION >= (6, 0):
    from django.contrib.auth.models import User
    from django.tasks import task

    @task()
    def letter(to: str) -> dict[str, Any]:
        """Sends a letter, and counts users in the shop's database."""
        return {"to": to, "users": User.objects.count()}
