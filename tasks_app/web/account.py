"""What every page knows of whoever looks at it: the name, and whether there is anything to press. A context processor."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from tasks_app import runtime
from tasks_app.auth.allow import Action, allow
from tasks_app.auth.principal import Via
from tasks_app.conf import get_config


def account(request: HttpRequest) -> dict[str, Any]:
    """`account`, None where nobody is known or nobody was asked; `launches` and `reader`: whether forms and buttons are shown;
    `read_only`: whether that is so for everybody; `sees_settings`: whether the page of settings is for him; `watches_workers`:
    whether a Celery cluster is watched."""
    principal = getattr(request, "principal", None)
    launches = allow(principal, Action.LAUNCH)
    known = principal is not None and principal.via is not Via.OPEN
    return {
        "account": principal if known else None,
        "launches": launches,
        "reader": not launches,
        "read_only": get_config().read_only,
        "sees_settings": allow(principal, Action.SETTINGS),
        "watches_workers": runtime.get().cluster is not None,
    }
