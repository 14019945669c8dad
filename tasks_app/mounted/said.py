"""What our pages say where there is nothing, or something went wrong: our words, and not the project's."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from tasks_app.rendering import render, render_to_string


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return render(request, "403.html", status=403)


def nothing_here(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return render(request, "404.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """500. The page is made of nothing that may be what is broken: neither of the request nor of who asks."""
    return HttpResponse(render_to_string("500.html"), status=500)
