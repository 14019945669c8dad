"""The gate: every request passes it. It knows who asks, holds the table against it, and sees that effects and refusals are written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from tasks_app import runtime
from tasks_app.auth import access, form_tokens
from tasks_app.auth.allow import EFFECTS, Action, allow, suffices
from tasks_app.auth.asking import Ask, ask_of
from tasks_app.auth.audit import audit
from tasks_app.auth.deeds import deed
from tasks_app.auth.doors import SCHEDULE, door_of
from tasks_app.auth.errors import Denied
from tasks_app.auth.forwarded import client_of
from tasks_app.auth.principal import Principal, Via
from tasks_app.auth.table import asked
from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.schedule import Schedule
from tasks_app.engine.sentences import say
from tasks_app.engine.task import Task
from tasks_app.handlers._egress import door
from tasks_app.middleware import BAD, SAFE, Refused

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="IoTask"'}
POLL = "HTTP_X_POLL"  # a page asks by itself, whose reader may be asleep: that keeps no session alive
DEAR = frozenset({"job/all", "api/v2/tasks/export"})  # routes that read much for each answer; so do lists that look for words
WANTS_JOURNAL = EFFECTS - {Action.LAUNCH, Action.CANCEL, Action.LIMIT}  # launches are refused where they are let in
READ_ONLY = say("This server is read-only: nothing can be launched, stopped or changed.")


class Gate:
    """A middleware. Around everything it keeps the books; just before a view it decides."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        self._csrf = CsrfViewMiddleware(get_response)
        door.dials.told = _dial_refused
        runtime.books[:] = [_by_schedule]
        markcoroutinefunction(self)

    async def __call__(self, request: Any) -> HttpResponseBase:
        """Answer, and write down what was done or refused before the answer goes out."""
        ask = request.ask = Ask(client_of(request.scope))
        request.principal = None
        response = await self._get_response(request)
        form_tokens.hand_out(request, response)
        if request.scheme == "https":
            for cookie in response.cookies.values():
                cookie["secure"] = True
        _write_down(request, ask, response.status_code)
        return response

    def process_view(self, request: Any, view: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Let a request pass to its view. Raises Refused."""
        ask = ask_of(request)
        try:
            ask.action = _asked(request)
            ask.principal = request.principal = _known(request, ask.action)
            _decide(ask)
            self._of_our_page(request, view)
            _is_kept(ask)
            _count(request, ask, keeps_input=getattr(view, "keeps_input", False))
        except Denied as error:
            ask.refused = error.code
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
            raise Refused(error.status, error.code, error.sentence, headers | (CHALLENGE if error.status == 401 else {})) from None

    def _of_our_page(self, request: Any, view: Any) -> None:
        """A session has a CSRF secret of its own, whatever the browser's cookie says; else the cookie's is signed for whoever asks. Django
        asks the views of forms for the token; what is exempt from that for the sake of scripts is asked here where a browser would say by
        itself who it is."""
        principal: Principal | None = request.principal
        ambient, exempt = principal is not None and principal.ambient, getattr(view, "csrf_exempt", False)
        if principal is not None and principal.via is Via.TOKEN:
            request._dont_enforce_csrf_checks = True  # no page can send a header that it does not know
        if exempt and not ambient and request.method not in SAFE:
            return  # no page is made, and nothing is held against its token
        session = access.get().sessions.get(principal.session) if principal is not None else None
        if session is not None:
            form_tokens.expect(request, session.csrf)
        else:
            form_tokens.expect_signed(request)
        if exempt and request.method not in SAFE and self._csrf.process_view(request, _any_form, (), {}) is not None:
            raise Denied(403, "csrf", say("The page's token is missing or not right: send it as X-CSRFToken, or use a bearer token."))


def _any_form() -> HttpResponseBase:
    """Stands for a view that is not exempt; it is looked at, and never called."""
    raise NotImplementedError


def _asked(request: Any) -> Action:
    found = asked(request.resolver_match.route, request.method)
    if found is None:
        raise Denied(403, "not_in_table", say("Nobody has said who may come here: the path is not in the table of auth/table.py."))
    return found


def _known(request: Any, action: Action) -> Principal | None:
    try:
        return access.get().principal(request.scope, active=POLL not in request.META)
    except Denied:
        if action is Action.PUBLIC:
            return None
        raise


def _decide(ask: Ask) -> None:
    assert ask.action is not None
    if allow(ask.principal, ask.action):
        return
    if ask.principal is None:
        raise Denied(401, "login_needed", say("Log in, or send a token: Authorization: Bearer, then the token."))
    if suffices(ask.principal.role, ask.action):
        raise Denied(403, "read_only", READ_ONLY)
    raise Denied(403, "role_too_low", say("The role {role} does not allow this.", role=str(ask.principal.role)))


def _is_kept(ask: Ask) -> None:
    """While the journal cannot be written, nothing that it should keep is begun. A cancel is: it may be what makes room on the disk."""
    if ask.action in WANTS_JOURNAL and (trouble := runtime.get().engine.journal.trouble):
        raise Denied(507, JournalFailed.code, trouble)


def _count(request: Any, ask: Ask, *, keeps_input: bool) -> None:
    """Hold a request against what one person may ask for in a second."""
    if ask.principal is None or ask.action is None:
        return
    dear = request.resolver_match.route in DEAR or bool(request.GET.get("q"))
    try:
        access.get().rates.count(ask.principal, ask.address, ask.action, dear=dear)
    except Denied as error:
        if not keeps_input:
            raise
        ask.refused, ask.too_much = error.code, error


def _write_down(request: Any, ask: Ask, status: int) -> None:
    if ask.action in EFFECTS and ask.principal is not None and (status < BAD or ask.unwritten):
        objects = _named(request) if ask.objects is None else ask.objects
        if objects or ask.objects is None:
            audit.effect(ask.principal, ask.address, _deed(request, ask), _few(objects) or request.path, _door(request))
    elif status == 403 or (ask.refused and ask.refused != "login_needed"):
        what, about = str(ask.action or "request"), _few(_named(request)) or request.path
        audit.refusal(ask.principal or "", ask.address, what, about, ask.refused or "forbidden", _door(request))


def _dial_refused(by: str, host: str) -> None:
    """A task dials what it may dial too often: that may be a scan."""
    audit.refusal(by, "", "dial", host, "too_many_dials")


def _named(request: Any) -> list[str]:
    """What the path names: ids, a type."""
    match = request.resolver_match
    return [str(value) for value in match.kwargs.values()] if match else []


def _deed(request: Any, ask: Ask) -> str:
    assert ask.action is not None
    form = request.POST if request.resolver_match.func.__module__.startswith("tasks_app.web.") else {}
    return deed(ask.action, request.resolver_match.route, request.method, form)


def _door(request: Any) -> str:
    match = request.resolver_match
    return door_of(request.path_info, match.func.__module__ if match else "")


def _by_schedule(schedule: Schedule, task: Task) -> None:
    """A time of a schedule has come."""
    audit.by_itself(schedule.by, Action.LAUNCH, task.id, SCHEDULE)


def _few(objects: Sequence[str]) -> str:
    return objects[0] if len(objects) == 1 else f"{len(objects)}, from {objects[0]} on" if objects else ""
