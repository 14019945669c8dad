"""`{{ text|translated }}` says what the engine says, `{{ text|described }}` what a type says of itself, in the page's language."""

from __future__ import annotations

from django import template

from tasks_app.presenters import sentences

register = template.Library()
register.filter("translated", sentences.translated)
register.filter("described", sentences.described)
