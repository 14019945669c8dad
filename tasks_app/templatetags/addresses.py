"""`{% root %}` is where our pages begin: `/`, or the prefix under which a project has mounted them. It ends with a slash."""

from __future__ import annotations

from django import template
from django.urls import get_script_prefix

register = template.Library()
register.simple_tag(get_script_prefix, name="root")
