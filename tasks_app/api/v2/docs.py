"""The API's documentation page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tasks_app.api.views import reads
from tasks_app.rendering import render


@reads
async def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI, from our own static files."""
    return render(request, "api/docs.html", {"document": reverse("openapi")})
