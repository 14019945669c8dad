"""Sessions that are open: everybody's for an admin, one's own for all others. Each can be ended."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from tasks_app.auth import access
from tasks_app.auth.allow import Action
from tasks_app.auth.asking import ask_of, may, principal_of
from tasks_app.auth.audit import audit
from tasks_app.auth.doors import DASHBOARD
from tasks_app.auth.principal import Principal, Via
from tasks_app.auth.sessions import Session
from tasks_app.presenters import agents, times, words
from tasks_app.web import login, shell

END = "end session"
OTHERS = "others"  # in place of a handle: all but the one that asks


@require_safe
async def sessions(request: HttpRequest) -> HttpResponse:
    """The list, the one seen last first."""
    own = _own(request)
    shown = [_row(session, current=session.handle == own) for session in _visible(request)]
    signed_in = ngettext("%(count)s signed in", "%(count)s signed in", len(shown)) % {"count": words.count(len(shown))}
    others = any(not row["current"] for row in shown)
    context = {"sessions": shown, "count": signed_in, "others": others, "everybody": may(request, Action.SESSIONS)}
    return shell.page(request, "sessions.html", context, place="sessions")


@require_POST
async def end(request: HttpRequest, handle: str) -> HttpResponse:
    """End one, or all others. Ending one's own is logging out."""
    own = _own(request)
    if handle == own:
        return await login.logout(request)
    ended = [session for session in _visible(request) if session.handle == handle or (handle == OTHERS and session.handle != own)]
    access.get().sessions.end(*ended)
    _write_down(request, ended)
    if not ended and handle != OTHERS:
        return shell.page(request, "refused.html", {"text": _("This session has ended already.")}, status=404)
    return shell.see_other(reverse("web:sessions"))


def _visible(request: HttpRequest) -> Iterable[Session]:
    principal = principal_of(request)
    everybody = may(request, Action.SESSIONS)
    return [found for found in access.get().sessions.all() if everybody or _is_of(found, principal)]


def _is_of(session: Session, principal: Principal | None) -> bool:
    """A token or a proxy may have the same name, and is somebody else."""
    return principal is not None and principal.via is Via.PASSWORD and principal.name == session.user.name


def _own(request: HttpRequest) -> str:
    principal = principal_of(request)
    return principal.session if principal is not None and principal.via is Via.PASSWORD else ""


def _row(session: Session, *, current: bool) -> dict[str, Any]:
    kept, now = access.get().sessions, time.time()
    return {
        "handle": session.handle,
        "name": session.user.name,
        "role": session.user.role,
        "current": current,
        "where": agents.where(session.agent),
        "address": session.address,
        "since": times.moment(session.at, _("since {}")),
        "seen": times.past(now - kept.idle(session)),
        "ends": times.roughly(now + kept.seconds_left(session), _("in {}")),
    }


def _write_down(request: HttpRequest, ended: Iterable[Session]) -> None:
    principal = principal_of(request)
    for session in ended:
        if principal is not None:
            audit.effect(principal, ask_of(request).address, END, f"{session.handle} of {session.user.name}", DASHBOARD)
