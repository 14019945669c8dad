"""Who reads an answer: a person, whose browser asks for something to show, or a program."""

from __future__ import annotations

from django.http import HttpRequest


def by_browser(request: HttpRequest) -> bool:
    """Whether a browser asks for something to show.

    All of them name application/xhtml+xml when they open a page, and no HTTP library does by itself (some do name text/html).
    """
    return "HTTP_HX_REQUEST" in request.META or "application/xhtml+xml" in request.META.get("HTTP_ACCEPT", "")


def looks_around(request: HttpRequest) -> bool:
    """Whether a person has come by an address in his browser, and wants to see what is there."""
    return request.method in ("GET", "HEAD") and by_browser(request)
