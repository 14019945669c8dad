"""The shop's pages, and IoTask's below /ops/tasks/."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path


def front(request: HttpRequest) -> HttpResponse:
    """The shop's own base.html, which links to the tasks."""
    return render(request, "base.html")


def order(request: HttpRequest) -> HttpResponse:
    """Has a letter sent."""
    from shop.tasks import letter  # type: ignore[import-not-found]

    return HttpResponse(letter.enqueue("anna").id)


urlpatterns = [
    path("", front),
    path("order", order),
    path("admin/", admin.site.urls),
    path("ops/tasks/", include("tasks_app.urls")),
]
