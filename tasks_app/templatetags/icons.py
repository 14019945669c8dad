"""Template tags for the sprite: `{% icon "plus" %}` for controls, `{% glyph "failed" %}` for statuses."""

from __future__ import annotations

from functools import cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A control's icon; whoever uses it gives the control its name."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
@cache
def glyph(status: str) -> SafeString:
    """A status's glyph; the word stands beside it. It takes its colour from the nearest `data-status`."""
    return format_html('<svg class="glyph" aria-hidden="true"><use href="#s-{}"/></svg>', status)
