"""What a strict content security policy would break in a browser is refused here, in the templates themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks_app.tests.processes import ROOT

FORBIDDEN = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an inline event handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "an inline script": re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*application/json)", re.IGNORECASE),
    "hx-on": re.compile(r"\bhx-on\b", re.IGNORECASE),
    "js: in an attribute": re.compile(r"=\s*[\"']\s*(?:js|javascript):", re.IGNORECASE),
    "a filter in hx-trigger": re.compile(r"hx-trigger\s*=\s*(\"[^\"]*\[|'[^']*\[)", re.IGNORECASE),
    "an address of another host": re.compile(
        r"<(?:script|link|img|source|iframe)\b[^>]*(?:src|href)\s*=\s*[\"'](?:https?:)?//", re.IGNORECASE
    ),
}


def faults(text: str) -> list[str]:
    text = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", text, flags=re.DOTALL)
    return [name for name, pattern in FORBIDDEN.items() if pattern.search(text)]


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_template_holds_nothing_that_the_policy_refuses(path: Path):
    assert faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<p class="a" style="width: 4px">', "a style attribute"),
        ("<style>p {}</style>", "a style element"),
        ('<button\n  onclick="go()">', "an inline event handler"),
        ("<script>go()</script>", "an inline script"),
        ('<script type="module">go()</script>', "an inline script"),
        ('<p hx-on:click="x">', "hx-on"),
        ("<p hx-vals='js:{a: 1}'>", "js: in an attribute"),
        ('<p hx-trigger="click[ctrlKey]">', "a filter in hx-trigger"),
        ('<script src="https://cdn.example/x.js">', "an address of another host"),
    ],
)
def test_what_is_forbidden_is_found(text, fault):
    assert fault in faults(text)


@pytest.mark.parametrize(
    "text",
    [
        "<script src=\"{% static 'js/a.js' %}\" defer></script>",
        '<script type="application/json" id="x">{}</script>',
        '<p data-on="x" hx-trigger="keyup changed" class="style">style = on = 5</p>',
        '<a href="https://example.com/">away</a>',
        "{# <style> #}",
    ],
)
def test_what_is_allowed_passes(text):
    assert faults(text) == []
