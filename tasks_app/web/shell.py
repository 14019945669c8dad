"""What every page of the dashboard shares: the rail, the notices, where the page listens, and how a refusal is said."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import get_script_prefix
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from tasks_app import runtime
from tasks_app.auth.asking import name_of
from tasks_app.engine import errors
from tasks_app.engine.errors import EngineError
from tasks_app.presenters import views, words
from tasks_app.presenters.sentences import all_translated, translated
from tasks_app.rendering import render
from tasks_app.runtime import Runtime
from tasks_app.web import undo

# The first that fits holds: the narrower class stands before the wider one.
_STATUS: tuple[tuple[type[EngineError], int], ...] = (
    (errors.UnknownType, 404),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.ShareFull, 429),
    (errors.Unavailable, 503),
    (errors.Invalid, 400),
)


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, place: str = "", live: str = "", status: int = 200
) -> HttpResponse:
    """A whole page. `place` is the rail's current entry, `live` the path of the page's socket: empty for a page that stands still."""
    now = runtime.get()
    shown = {
        "place": place,
        "slots": _slots(now),
        "notices": all_translated(now.notices()),
        "live": _live(now, live) if live else None,
        "epoch": now.epoch,
        "undos": undo.offered(request),
        "views": views.views(now, name_of(request)),
    }
    return render(request, template, shown | context, status=status)


def _live(now: Runtime, url: str) -> dict[str, Any]:
    """What the page's socket begins with: which process made the page, how far it had come, and whether tasks outlive it."""
    address = get_script_prefix() + url.removeprefix("/")
    return {"url": address, "epoch": now.epoch, "version": now.store.version, "durable": now.engine.journal.durable}


def by_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks, and wants a piece of a page."""
    return "HX-Request" in request.headers


def toast(request: HttpRequest, text: str, status: int = 200) -> HttpResponse:
    """A short message that floats over the page, for htmx; with it what can still be undone. No text: that alone."""
    answer = render(request, "_toast.html", {"text": text, "bad": status >= 400, "undos": undo.offered(request)}, status=status)
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#said", "innerHTML show:none"  # a form, and the page, stay as they are
    return answer


def opened(request: HttpRequest, url: str) -> HttpResponse:
    """Go to another page, with htmx or without."""
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if by_htmx(request) else see_other(url)


def see_other(url: str) -> HttpResponse:
    """After a POST: look there, with GET."""
    answer = HttpResponseRedirect(url)
    answer.status_code = 303
    return answer


def status_of(error: EngineError) -> int:
    """The status that a refusal of the engine is answered with."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def refused(request: HttpRequest, error: EngineError) -> HttpResponse:
    """What the engine refused, in its own sentence and with the right status: as a toast for htmx, as a page without."""
    status = status_of(error)
    said = translated(error.sentence)
    text = f"{error.field}: {said}" if isinstance(error, errors.InvalidValue) and error.field else said
    if by_htmx(request):
        answer = toast(request, text, status)
    else:
        answer = render(request, "refused.html", {"text": text, "status": status}, status=status)
    if isinstance(error, errors.Unavailable):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def came_from(request: HttpRequest) -> str:
    """The path and query of the page that asked, where it is one of ours; empty otherwise."""
    given = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(given, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(given)
    path = parts.path if parts.path.startswith("/") and not parts.path.startswith("//") else ""
    return f"{path}?{parts.query}" if path and parts.query else path


def _slots(now: runtime.Runtime) -> dict[str, Any]:
    busy, most = now.engine.queues.running, now.engine.queues.max_running
    told = _("%(busy)s of %(all)s") % {"busy": words.count(busy), "all": words.count(most)}
    return {"busy": busy, "all": most, "high": most * 9 // 10, "words": told}
