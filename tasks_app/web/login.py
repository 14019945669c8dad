"""Log in with a name and a password, and log out."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.middleware.csrf import rotate_token
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from tasks_app.auth import access
from tasks_app.auth.asking import ask_of, principal_of
from tasks_app.auth.audit import audit
from tasks_app.auth.doors import DASHBOARD
from tasks_app.auth.errors import Denied
from tasks_app.auth.passwords import plain
from tasks_app.auth.users import User
from tasks_app.conf import LOOPBACK_NAMES
from tasks_app.presenters.sentences import translated
from tasks_app.rendering import render
from tasks_app.web import shell

LOGIN, LOGOUT = "login", "logout"
LONGEST_NAME, LONGEST_NEXT, LONGEST_AGENT = 200, 2000, 300
NEXT = "next"


@require_http_methods(["GET", "HEAD", "POST"])
async def login(request: HttpRequest) -> HttpResponse:
    """The form; POST logs in, or says why not. Whoever is known already goes where he wanted to."""
    if request.method == "POST":
        return await _tried(request)
    if principal_of(request) is not None:
        return shell.see_other(_following(request))
    if access.get().by_host:
        return shell.see_other(_address(request, _following(request)))
    response = _form(request)
    if request.META.get("HTTP_SEC_FETCH_SITE") == "cross-site":
        # The cookie does not come along a link on another site's page. The page itself may ask again, and then it does.
        response.headers["Refresh"] = f"0; url={_address(request, _following(request))}"
    return response


@require_POST
async def logout(request: HttpRequest) -> HttpResponse:
    """End this session, for its open pages as well."""
    principal, found = principal_of(request), access.get()
    session = found.session(_scope(request))
    if principal is not None and session is not None:
        found.sessions.end(session)
        audit.effect(principal, ask_of(request).address, LOGOUT, session.handle, DASHBOARD)
        rotate_token(request)
    response = shell.opened(request, reverse("web:login"))
    response.delete_cookie(access.cookie_name(_scope(request)), samesite="Strict")
    return response


def login_first(request: HttpRequest) -> HttpResponse:
    """To the form, and afterwards back: with htmx the whole page goes there, never a piece of it."""
    if shell.by_htmx(request):
        return HttpResponse(status=401, headers={"HX-Redirect": _address(request, shell.came_from(request))})
    wanted = request.get_full_path() if request.method in ("GET", "HEAD") else shell.came_from(request)
    return shell.see_other(_address(request, wanted))


async def _tried(request: HttpRequest) -> HttpResponse:
    name = unicodedata.normalize("NFC", request.POST.get("name", "").strip())[:LONGEST_NAME]
    address, found = ask_of(request).address, access.get()
    try:
        _refuse_open_wire(request)
        user = await found.log_in(name, plain(request.POST.get("password", "")), address) if found.by_password else None
        if user is None:
            raise Denied(401, "wrong_password", _wrong(found.throttle.left(name, address)))
    except Denied as error:
        audit.refusal(name, address, LOGIN, request.path, error.code, DASHBOARD)
        return _form(request, name, error)
    return _begun(request, user, found)


def _wrong(left: int) -> str:
    said = _("That name and password do not belong together.")
    more = ngettext("%(left)s try is left for now.", "%(left)s tries are left for now.", left) % {"left": left}
    return f"{said} {more}"


def _begun(request: HttpRequest, user: User, found: access.Access) -> HttpResponse:
    """A new session, with an id and a form secret nobody had before; the one that this browser had ends."""
    before = found.session(_scope(request))
    if before is not None:
        found.sessions.end(before)
    rotate_token(request)
    address, agent = ask_of(request).address, request.headers.get("User-Agent", "")[:LONGEST_AGENT]
    cookie, session = found.sessions.begin(user, request.META["CSRF_COOKIE"], address, agent)
    audit.effect(access.holder(session), address, LOGIN, session.handle, DASHBOARD)
    response = shell.see_other(_following(request))
    secure = request.is_secure()
    response.set_cookie(access.cookie_name(_scope(request)), cookie, httponly=True, secure=secure, samesite="Strict")
    return response


def _form(request: HttpRequest, name: str = "", error: Denied | None = None) -> HttpResponse:
    wrong = translated(error.sentence) if error else ""
    context = {"name": name, "wrong": wrong, "next": _following(request), "by_password": access.get().by_password}
    response = render(request, "login.html", context, status=error.status if error else 200)
    if error is not None and error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="IoTask"'  # what a script could do instead; a browser asks nothing for it
    return response


def _refuse_open_wire(request: HttpRequest) -> None:
    """A password, and the cookie it is given for, travel encrypted or not at all. A name of this machine means that they do not travel."""
    host = split_domain_port(request.get_host())[0]
    if not (request.is_secure() or host in LOOPBACK_NAMES or access.get().config.plain_http):
        raise Denied(
            403, "not_encrypted", _("Passwords are taken over https only. Whoever runs this server reads how in docs/operations.md.")
        )


def _following(request: HttpRequest) -> str:
    """A path of ours, and no other site's."""
    given = request.POST.get(NEXT) or request.GET.get(NEXT) or ""
    plain_path = given.startswith("/") and given[1:2] not in ("/", "\\") and given.isprintable() and len(given) <= LONGEST_NEXT
    return given if plain_path and not given.startswith(reverse("web:login")) else reverse("web:tasks")


def _address(request: HttpRequest, following: str) -> str:
    """Of our own form, or of that of the project around us."""
    form = _scope(request).get(access.HOST_LOGIN) or reverse("web:login")
    return f"{form}{'&' if '?' in form else '?'}{urlencode({NEXT: following or reverse('web:tasks')})}"


def _scope(request: HttpRequest) -> access.Scope:
    scope: access.Scope = request.scope  # type: ignore[attr-defined] # an ASGI request
    return scope
