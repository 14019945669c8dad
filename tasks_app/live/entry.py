"""Who may open a socket: one of our own pages, for somebody who is let in; or a program with a token, and without a browser's cookies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http.request import split_domain_port, validate_host

from tasks_app.auth import access
from tasks_app.auth.allow import Action, allow
from tasks_app.auth.audit import audit
from tasks_app.auth.errors import Denied
from tasks_app.auth.forwarded import client_of
from tasks_app.auth.principal import Principal
from tasks_app.conf import allowed_hosts, trusted_origins

OUT, REFUSED = 4401, 4403


class TurnedAway(Exception):
    """`code` is what the socket is closed with."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def let_in(scope: Mapping[str, Any]) -> Principal:
    """Who opens a socket. Raises TurnedAway."""
    found = access.get()
    seen = found.seen(dict(scope))
    if not _own_page(seen, found):
        audit.refusal("", client_of(seen), "socket", str(scope["path"]), "cross_site")
        raise TurnedAway(REFUSED)
    try:
        principal = found.principal(seen, active=False)
    except Denied as error:
        audit.refusal("", client_of(seen), "socket", str(scope["path"]), error.code)
        raise TurnedAway(OUT if error.status == 401 else REFUSED) from None
    if principal is None:
        raise TurnedAway(OUT)
    if not allow(principal, Action.READ):
        raise TurnedAway(REFUSED)
    return principal


def _own_page(scope: Mapping[str, Any], found: access.Access) -> bool:
    """Whether scheme, host and port of its Origin are exactly those the socket was opened to.

    Browsers always send an Origin. Where there is a login, whoever sends none shows a token and no cookie.
    """
    host, origin = _headers(scope, "host"), _headers(scope, "origin")
    if len(host) != 1 or len(origin) > 1:
        return False
    domain, _ = split_domain_port(host[0])
    if not domain or domain.endswith(".") or not validate_host(domain, allowed_hosts()):
        return False
    if not origin:
        return found.open or bool(_headers(scope, "authorization") and not _headers(scope, "cookie"))
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    return origin[0] in trusted_origins() or origin[0] == f"{scheme}://{host[0]}"


def _headers(scope: Mapping[str, Any], wanted: str) -> list[str]:
    return [value.decode("latin1") for name, value in scope["headers"] if name.decode("latin1").lower() == wanted]
