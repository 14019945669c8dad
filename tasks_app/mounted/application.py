"""Our ASGI application and that of the project around us, as one: the path says which of the two answers."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

from channels.routing import URLRouter
from django.conf import settings  # noqa: TID251 - what the project says of proxies and prefixes holds for our pages too
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, get_script_prefix, reverse, set_script_prefix, set_urlconf

from tasks_app import runtime
from tasks_app.asgi import ROOT, Handler
from tasks_app.auth.access import HOST_LOGIN
from tasks_app.bodies import Receive, Scope, Send
from tasks_app.conf import get_config
from tasks_app.live.routing import websocket_urlpatterns
from tasks_app.mounted.host_login import rule_of, with_principal

logger = logging.getLogger("iotask.mounted")
URLCONF = "tasks_app.mounted.urls"
MIDDLEWARE = (  # as in our own settings; what else the project has in its own is for its own pages
    "tasks_app.middleware.headers",
    "tasks_app.language.in_language",
    "tasks_app.packing.pages",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tasks_app.gate.Gate",
    "tasks_app.middleware.guard",
    "tasks_app.mounted.files.OwnFiles",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
)
_ALONG = b"x-forwarded-host"


class Mounted:
    """Both applications. The engine starts with the server where that tells of its start (lifespan), else with the first connection."""

    def __init__(self, around: Any) -> None:
        self._around = around
        self._pages: Any = Handler(MIDDLEWARE, URLCONF)
        self._sockets: Any = URLRouter(websocket_urlpatterns)  # type: ignore[arg-type] # as in iotask_site.asgi
        auth = get_config().auth
        self._rule = None if auth in ("", "own") else rule_of(auth)
        self._prefix = ""
        self._begun = 0  # the id of the process in which the engine was started
        runtime.serves()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, or the server's own life."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        self._begin(scope)
        inner = self._below(scope)
        if inner is None:
            await self._around(scope, receive, send)
        elif not inner["path"]:
            await _redirect(f"{inner[ROOT]}/", send)
        else:
            await self._answer(inner, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Addresses are made for our paths and our prefix from here on, in all that grows out of this connection."""
        before = get_script_prefix()
        login = "" if self._rule is None else self._login(scope[ROOT].removesuffix(self._prefix))
        set_urlconf(URLCONF)
        set_script_prefix(f"{scope[ROOT]}/")
        try:
            if self._rule is not None and not scope["path"].startswith("/static/"):
                scope = await with_principal(scope, self._rule) | {HOST_LOGIN: login}
            await (self._sockets if scope["type"] == "websocket" else self._pages)(scope, receive, send)
        finally:
            set_urlconf(None)
            set_script_prefix(before)

    def _below(self, scope: Scope) -> Scope | None:
        """The scope as our application sees it; None for one that is the project's. Its path is empty where only the last slash is
        missing."""
        prefix, outer, path = self._own_prefix(), _outer(scope), scope["path"]
        if path.startswith(f"{outer}/"):
            path = path[len(outer) :]
        if path != prefix and not path.startswith(f"{prefix}/"):
            return None
        return {**_as_seen(scope), "path": path[len(prefix) :], "root_path": "", ROOT: f"{outer}{prefix}"}

    def _own_prefix(self) -> str:
        if not self._prefix:
            try:
                found = reverse("iotask:tasks", urlconf=settings.ROOT_URLCONF)[len(get_script_prefix()) - 1 :]
            except NoReverseMatch:
                raise ImproperlyConfigured('The project\'s urls.py lacks path("iotask/", include("tasks_app.urls")).') from None
            if found == "/":
                raise ImproperlyConfigured('tasks_app.urls needs a prefix of its own, such as path("iotask/", include("tasks_app.urls")).')
            self._prefix = found.rstrip("/")
        return self._prefix

    def _begin(self, scope: Scope) -> None:
        """Once a process; the connection does not wait for it."""
        if self._begun == os.getpid():
            return
        self._begun = os.getpid()
        runtime.serves()
        host, port = scope.get("server") or ("", None)
        if port:
            runtime.listens(host, port)
        asyncio.get_running_loop().run_in_executor(None, _start)

    def _login(self, outer: str) -> str:
        """Where the project has people log in: LOGIN_URL is an address, or the name of one of its own."""
        given = str(settings.LOGIN_URL)
        if "/" in given or "." in given:
            return given
        set_script_prefix(f"{outer}/")
        return reverse(given, urlconf=settings.ROOT_URLCONF)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The project's application may have a life of its own; Django's has none, and raises before it listens."""
        asked = False

        async def heard() -> Any:
            nonlocal asked
            asked = True
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await asyncio.to_thread(runtime.stop)
            else:
                await asyncio.to_thread(_start)
            return message

        try:
            await self._around(scope, heard, send)
        except Exception:
            if asked:
                raise
            for _ in range(2):
                message = await heard()
                await send({"type": f"{message['type']}.complete"})


def _start() -> None:
    """The project's pages work without us; ours say what is wrong when they are asked for."""
    try:
        runtime.serves()
        runtime.get()
    except Exception:
        logger.exception("IoTask could not start")


def _outer(scope: Scope) -> str:
    """The prefix of the whole project, without a slash at its end. Anybody may send Daphne a header that names one: it counts where the
    path begins with it."""
    if settings.FORCE_SCRIPT_NAME:
        return str(settings.FORCE_SCRIPT_NAME).rstrip("/")
    root = str(scope.get("root_path") or "").rstrip("/")
    return root if root and scope["path"].startswith(f"{root}/") else ""


def _as_seen(scope: Scope) -> Scope:
    """Host and scheme as the project's settings have them told by its proxy."""
    headers, found = scope["headers"], dict(scope)
    if settings.USE_X_FORWARDED_HOST and (told := [value for name, value in headers if name == _ALONG]):
        found["headers"] = [(name, value) for name, value in headers if name != b"host"] + [(b"host", told[0].split(b",")[0].strip())]
    if settings.SECURE_PROXY_SSL_HEADER:
        name, value = settings.SECURE_PROXY_SSL_HEADER
        wanted = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
        if any(key == wanted and given.decode("latin-1").split(",")[0].strip() == value for key, given in headers):
            found["scheme"] = "wss" if scope["type"] == "websocket" else "https"
    return found


async def _redirect(to: str, send: Send) -> None:
    headers = [(b"location", to.encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 308, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
