"""Templates and static files of our own pages: those of this package, whatever the project around them calls its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.backends.django import DjangoTemplates, Template
from django.template.context import make_context
from django.utils.safestring import SafeString

from tasks_app import places
from tasks_app.conf import is_guest

_CONTEXT = (
    "django.template.context_processors.request",
    "django.template.context_processors.i18n",
    "tasks_app.web.account.account",
)
_LIBRARIES = {name: f"tasks_app.templatetags.{name}" for name in ("addresses", "icons", "kept", "languages", "sentences")}
_OWN_STATIC = {"static": "tasks_app.mounted.static_tag"}


def get_template(name: str) -> Template:
    """One of our templates."""
    return _engine().get_template(name)


def render_to_string(name: str, context: Mapping[str, Any] | None = None, request: HttpRequest | None = None) -> SafeString:
    """What it says."""
    values = None if context is None else dict(context)
    template = get_template(name)
    if request is None:
        return cast(SafeString, template.render(values))
    made = make_context(values, request)
    try:
        return template.template.render(made)
    finally:
        made.dicts.clear()  # what Django puts there knows the context: a page's rows would wait for the garbage collector


def render(request: HttpRequest, name: str, context: Mapping[str, Any] | None = None, *, status: int = 200) -> HttpResponse:
    """The same as an answer."""
    return HttpResponse(render_to_string(name, context, request), status=status)


def _engine() -> DjangoTemplates:
    return _own_engine() if is_guest() else _first_engine()


def _first_engine() -> DjangoTemplates:
    found = engines["django"]
    assert isinstance(found, DjangoTemplates)
    return found


@cache
def _own_engine() -> DjangoTemplates:
    """In a project of others: nothing of it is looked at, neither its templates nor its tags."""
    options = {"context_processors": list(_CONTEXT), "libraries": _LIBRARIES | _OWN_STATIC}
    return DjangoTemplates({"NAME": "iotask", "DIRS": [places.TEMPLATES], "APP_DIRS": False, "OPTIONS": options})
