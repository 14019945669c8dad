"""`{% load static %}` in our templates, where another project's static files are none of ours: ours are served below our own prefix."""

from __future__ import annotations

from django import template
from django.urls import get_script_prefix

from tasks_app.mounted.files import version

register = template.Library()


@register.simple_tag
def static(name: str) -> str:
    """The address of one of our files, with its version."""
    return f"{get_script_prefix()}static/{version()}/{name}"
