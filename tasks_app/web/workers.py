"""The workers of a Celery cluster: all of them, one, and what one is told."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tasks_app import runtime
from tasks_app.auth.allow import Action
from tasks_app.auth.asking import acted_on, may
from tasks_app.cluster.orders import order_of
from tasks_app.cluster.telling import tell
from tasks_app.engine.errors import EngineError, NotFound
from tasks_app.presenters import worker_page as one
from tasks_app.presenters import workers as presented
from tasks_app.web import shell


@require_safe
async def workers(request: HttpRequest) -> HttpResponse:
    """All of them; without a broker, how there would be some."""
    now = runtime.get()
    if now.cluster is None:
        return shell.page(request, "workers/unset.html", {}, place="workers", status=404)
    return shell.page(request, "workers/workers.html", {"part": _safe(presented.parts(now))}, place="workers", live="/live/boards/workers")


@require_safe
async def worker(request: HttpRequest, name: str) -> HttpResponse:
    """One of them."""
    try:
        parts = one.parts(runtime.get(), name)
    except NotFound:
        return shell.page(request, "workers/missing.html", {"name": name}, place="workers", status=404)
    context = {"part": _safe(parts), "name": name, "tells": may(request, Action.LIMIT)}
    return shell.page(request, "workers/worker.html", context, place="workers", live=f"/live/boards/workers/{name}")


@require_POST
async def order(request: HttpRequest, name: str, order: str) -> HttpResponse:
    """Tell a worker something, and say what it answered."""
    try:
        one.found(runtime.get(), name)
        wanted = order_of(order, request.POST.dict())
        acted_on(request, f"{name}: {wanted.said}")
        text = await tell(runtime.get().cluster, wanted, name)
    except EngineError as error:
        return shell.refused(request, error)
    words = {"worker": name, "text": text}
    said = _("%(worker)s answered: %(text)s") % words if text else _("%(worker)s was told.") % words
    return shell.toast(request, said) if shell.by_htmx(request) else shell.see_other(reverse("web:worker", args=[name]))


def _safe(parts: Mapping[str, str]) -> dict[str, str]:
    return {name: mark_safe(html) for name, html in parts.items()}  # noqa: S308 - made by templates that escape
