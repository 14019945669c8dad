"""How people and scripts are let into this process: its users, tokens, proxy and sessions, built once from the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import parse_cookie

from tasks_app.auth import forwarded, tokens
from tasks_app.auth.errors import Denied, WrongLogin
from tasks_app.auth.lines import Lines
from tasks_app.auth.passwords import Passwords
from tasks_app.auth.principal import NOBODY_ASKED, Principal, Via
from tasks_app.auth.proxy import NAME as PROXY_AUTH
from tasks_app.auth.proxy import Headers, Proxy, proxy_of
from tasks_app.auth.rates import Rates
from tasks_app.auth.sessions import Session, Sessions
from tasks_app.auth.throttle import Throttle
from tasks_app.auth.tokens import Token, tokens_of
from tasks_app.auth.users import User, users_of
from tasks_app.auth.uses import Use, Uses
from tasks_app.auth.watches import Watches
from tasks_app.conf import Config, debugging, get_config, is_guest
from tasks_app.engine.sentences import say

COOKIE = "iotask-session"
HOST = "iotask.host"  # in a scope: who asks, or why not, as the project says in which we are mounted
HOST_LOGIN = "iotask.host_login"  # in a scope: where one logs in there
SECURE_COOKIE = "__Host-iotask-session"  # a browser takes it over https alone, from this host alone
Scope = forwarded.Scope


class Access:
    """Who is let in. Raises WrongLogin when the settings cannot be right."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.proxies = forwarded.networks_of(config.trusted_proxies)
        self._users: Lines[Mapping[str, User]] = Lines("IOTASK_USERS", config.users.text, config.users_file, users_of)
        self._tokens: Lines[Sequence[Token]] = Lines("IOTASK_TOKENS", config.tokens.text, config.tokens_file, tokens_of)
        self._proxy: Lines[Proxy | None] = Lines(PROXY_AUTH, config.proxy_auth.text, config.proxy_auth_file, proxy_of)
        self._refuse_halves()
        self.by_password = bool(self._users.value)
        self.by_host = config.by_host
        self.open = not (self.by_password or self._tokens.value or self._proxy.value or self.by_host)
        self.watches = Watches(self.holds)
        self.sessions = Sessions(self.watches.look)
        self.passwords = Passwords()
        self.rates = Rates(config.effects_each, config.launches_each)
        self.throttle = Throttle()
        self._uses = Uses()

    def _refuse_halves(self) -> None:
        for lines in (self._users, self._tokens, self._proxy):
            if lines.is_set and not lines.value:
                raise WrongLogin(f"{lines.name} is set, and nothing is in it but comments: that would leave the door open.")
        if self._proxy.value and not self.proxies:
            raise WrongLogin(f"{PROXY_AUTH} is set, and IOTASK_TRUSTED_PROXIES does not say which proxies are believed.")

    def seen(self, scope: Scope) -> Scope:
        """A scope as it really is, past our own proxies."""
        return forwarded.seen_from(scope, self.proxies)

    def principal(self, scope: Scope, *, active: bool = True, counted: bool = True) -> Principal | None:
        """Who asks; None where nobody says so. `scope` is as `seen` gives it. `active`: it keeps a session alive; `counted`: it is a use of
        a token. Raises Denied for what says so and is wrong."""
        if self.open:
            return self._on_this_machine(scope)
        headers = scope["headers"]
        shown = [value for name, value in headers if name == b"authorization"]
        if shown:
            return self._by_token(shown, scope, counted=counted)
        told = scope.get(HOST)
        if isinstance(told, Denied):
            raise told
        if told is not None:
            return told  # type: ignore[no-any-return]
        proxy = self._proxy.value
        if proxy is not None and scope.get(forwarded.BY_PROXY):
            named = proxy.principal(headers)
            if named is not None:
                return named
        session = self.session(scope, active=active)
        return None if session is None else holder(session)

    def session(self, scope: Scope, *, active: bool = False) -> Session | None:
        """The session whose cookie a request brings."""
        given = _cookies(scope["headers"]).get(cookie_name(scope))
        found = self.sessions.find(given, active=active) if given else None
        return found if found is not None and self._still(found) else None

    async def log_in(self, name: str, password: str, address: str) -> User | None:
        """The user of this name and password (as `passwords.plain` gives it), None where they do not belong together. Raises Denied: 429
        after too many tries, 503."""
        self.throttle.count(name, address)
        user = self._users.value.get(name)
        if not await self.passwords.matches(password, user.hash if user else None):
            return None
        self.throttle.forget(name, address)
        return user

    def holds(self, principal: Principal) -> bool:
        """Whether somebody who was let in would be again."""
        if principal.via is Via.PASSWORD:
            session = self.sessions.get(principal.session)
            return session is not None and self._still(session)
        if principal.via is Via.TOKEN:
            return any(_shown_by(token) == principal for token in self._tokens.value)
        return True

    def _still(self, session: Session) -> bool:
        """A session ends with the password and the role it was begun with."""
        user = self._users.value.get(session.user.name)
        if user is not None and user.stamp == session.user.stamp:
            return True
        self.sessions.end(session)
        return False

    def _on_this_machine(self, scope: Scope) -> Principal:
        """Without users and tokens everybody on this machine may do all, and nobody else anything, however he got a connection."""
        if is_guest() and not (self.config.open_to_others or debugging()):
            raise Denied(403, "no_login", say("Nobody is let in here before somebody has said who may: see docs/mounting.md."))
        if not self.config.open_to_others and not forwarded.is_loopback(forwarded.client_of(scope)):
            raise Denied(403, "not_this_machine", say("This server has no login, so it answers to its own machine alone."))
        return NOBODY_ASKED

    def _by_token(self, shown: Sequence[bytes], scope: Scope, *, counted: bool) -> Principal:
        scheme, _, text = shown[0].decode("latin-1").partition(" ")
        found = tokens.find(self._tokens.value, text.strip()) if len(shown) == 1 and scheme.lower() == "bearer" else None
        if found is None:
            raise Denied(401, "bad_token", say("The Authorization header shows no token of this server."))
        who = _shown_by(found)
        if counted:
            self.used(who, scope)
        return who

    def used(self, principal: Principal, scope: Scope) -> None:
        """Count a use of his token, if it was one that he showed."""
        if principal.via is Via.TOKEN:
            self._uses.count(principal.session, forwarded.client_of(scope))

    @property
    def tokens(self) -> Sequence[Token]:
        """Those there are."""
        self._uses.keep(frozenset(token.digest for token in self._tokens.value))
        return self._tokens.value

    def use_of(self, token: Token) -> Use | None:
        """When a token was last shown, and how often today; None where it was not since the start."""
        return self._uses.of(token.digest)


_access: Access | None = None


def get() -> Access:
    """The access to this process. Raises WrongLogin."""
    global _access
    config = get_config()
    if _access is None or _access.config is not config:
        _access = Access(config)
    return _access


def cookie_name(scope: Scope) -> str:
    """What the cookie of a session is called there."""
    return SECURE_COOKIE if forwarded.is_secure(scope) else COOKIE


def holder(session: Session) -> Principal:
    """Who logged in with it."""
    return Principal(session.user.name, session.user.role, Via.PASSWORD, session.handle)


def _shown_by(token: Token) -> Principal:
    return Principal(token.label, token.role, Via.TOKEN, token.digest)


def _cookies(headers: Headers) -> dict[str, Any]:
    given = "; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie")
    return parse_cookie(given) if given else {}
