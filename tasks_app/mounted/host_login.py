"""The login of the project around us: its session says who asks, and a rule of the project which role that is here."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import cache
from http.cookies import CookieError
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings  # noqa: TID251 - sessions are Django's own: their engine, and the name of their cookie
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections
from django.http import HttpRequest, parse_cookie
from django.utils.module_loading import import_string

from tasks_app.auth.access import HOST, Scope
from tasks_app.auth.errors import Denied
from tasks_app.auth.principal import Principal, Role, Via
from tasks_app.engine.sentences import say

Rule = Callable[[Any], str | None]
LONGEST_NAME = 64
logger = logging.getLogger("iotask.mounted")


def staff(user: Any) -> str | None:
    """The usual rule: superusers are admins here, staff are operators, and nobody else has a role."""
    return Role.ADMIN if user.is_superuser else Role.OPERATOR if user.is_staff else None


def rule_of(auth: str) -> Rule:
    """What `settings.IOTASK["auth"]` names: `django`, or the path of a function of the project's users. Raises ImproperlyConfigured."""
    if auth == "django":
        return staff
    try:
        found: Rule = import_string(auth)
    except ImportError as error:
        raise ImproperlyConfigured(
            f'settings.IOTASK["auth"] is {auth!r}; allowed: own, django, or the path of a function. {error}'
        ) from None
    return found


async def with_principal(scope: Scope, rule: Rule) -> Scope:
    """The scope, with whoever its session names; the database is asked in a thread."""
    key = _session_key(scope)
    who = await sync_to_async(_found, thread_sensitive=False)(key, rule) if key else None
    return {**scope, HOST: who}


def _found(key: str, rule: Rule) -> Principal | Denied | None:
    """The project's database may be away, and its rule may be wrong: then nobody is let in, and told so."""
    try:
        return _principal(key, rule)
    except Exception:
        logger.exception("Who asks could not be looked up")
        return Denied(503, "login_unavailable", say("Who you are could not be looked up. Try again in a moment."), retry_after=5)


def _principal(key: str, rule: Rule) -> Principal | Denied | None:
    from django.contrib.auth import get_user  # not at the top: projects without users have no such app

    close_old_connections()
    try:
        request = HttpRequest()
        request.session = _looked_at(import_module(settings.SESSION_ENGINE).SessionStore)(key)
        user = get_user(request)
        if not user.is_authenticated:
            return None
        role = rule(user)
        if role is None:
            return Denied(403, "no_role", say("Your account has no role here: whoever runs this site can give it one."))
        return Principal(user.get_username()[:LONGEST_NAME], Role(role), Via.HOST, hashlib.sha256(key.encode()).hexdigest())
    finally:
        close_old_connections()


@cache
def _looked_at(store: type[Any]) -> type[Any]:
    """Sessions that are read and stay as they are. Django gives one another key when SECRET_KEY has been changed, and ends one that is not
    right: whoever has its cookie must hear of that, and does on the project's own pages."""
    own_name = {"__qualname__": store.__qualname__}  # what a session holds is signed with the name of its class
    return type(store.__name__, (store,), own_name | {"cycle_key": _nothing, "flush": _nothing})


def _nothing(session: Any) -> None:
    """It stays as it is."""


def _session_key(scope: Scope) -> str:
    given = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
    try:
        found = str(parse_cookie(given).get(settings.SESSION_COOKIE_NAME, ""))
    except CookieError:
        return ""
    return found if found.isascii() and found.isprintable() else ""
