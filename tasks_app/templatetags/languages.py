"""`{% spoken_languages as known %}`: those in which pages can be had."""

from __future__ import annotations

from django import template

from tasks_app.conf import languages

register = template.Library()
register.simple_tag(languages, name="spoken_languages")
