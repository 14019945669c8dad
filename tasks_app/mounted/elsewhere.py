"""What is said where a request for our pages came to the project's own application instead of ours."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

SAID = (
    "IoTask's pages are answered by its own ASGI application, and this request came another way.\n\n"
    "In the project's asgi.py:\n\n"
    "    from tasks_app.mount import iotask\n"
    "    application = iotask(get_asgi_application())\n\n"
    "and run the project by an ASGI server: uvicorn, daphne, or runserver with daphne among INSTALLED_APPS.\n"
)


def elsewhere(request: HttpRequest, **_: object) -> HttpResponse:
    """503, with what is missing."""
    return HttpResponse(SAID, status=503, content_type="text/plain; charset=utf-8")
