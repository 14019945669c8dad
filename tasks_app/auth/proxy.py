"""Somebody else asks who it is: a proxy of ours names the user in a header, and shows a secret that only it knows."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping, Sequence

from msgspec import Struct

from tasks_app.auth.errors import Denied, WrongLogin
from tasks_app.auth.lines import Line
from tasks_app.auth.principal import Principal, Role, Via
from tasks_app.auth.users import is_name
from tasks_app.engine.sentences import say

NAME = "IOTASK_PROXY_AUTH"
SHORTEST_SECRET = 16
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_KEYS = ("user", "role", "default", "secret", "secret-header")
Headers = Sequence[tuple[bytes, bytes]]


class Proxy(Struct, frozen=True):
    """Names of headers, in small letters, and the SHA-256 of the secret. `role` is empty where all users have the role `default`."""

    user: bytes
    role: bytes
    default: Role
    secret_header: bytes
    digest: bytes

    def principal(self, headers: Headers) -> Principal | None:
        """Who the headers of a request name, None where they do not speak of anybody. Raises Denied. The request came from a trusted
        proxy: whoever asks has looked."""
        names, shown = _values(headers, self.user), _values(headers, self.secret_header)
        if not names and not shown:
            return None
        if len(names) > 1 or len(shown) > 1:
            raise Denied(400, "bad_proxy_headers", say("The proxy's headers stand there twice."))
        if not shown or not hmac.compare_digest(hashlib.sha256(shown[0]).digest(), self.digest):
            raise Denied(401, "bad_proxy_secret", say("The proxy did not show its secret."))
        return Principal(_named(names), self._role(headers), Via.PROXY)

    def _role(self, headers: Headers) -> Role:
        given = _values(headers, self.role) if self.role else []
        if len(given) > 1:
            raise Denied(400, "bad_proxy_headers", say("The proxy's headers stand there twice."))
        if not given:
            return self.default
        try:
            return Role(given[0].decode("latin-1"))
        except ValueError:
            raise Denied(403, "bad_proxy_role", say("The role that the proxy names is none of this server's.")) from None


def proxy_of(lines: Sequence[Line]) -> Proxy | None:
    """What `name=value` lines say; None where there are none. Raises WrongLogin."""
    given: dict[str, str] = {}
    for line in lines:
        key, equals, value = (part.strip() for part in line.text.partition("="))
        if not equals or not value or key not in _KEYS or key in given:
            raise line.wrong(f"allowed are name=value, each name once; the names are {', '.join(_KEYS)}")
        given[key] = value
    return _proxy(given) if given else None


def _proxy(given: Mapping[str, str]) -> Proxy:
    user, role, secret_header = (
        _header(given.get(key, standard))
        for key, standard in (("user", "X-Remote-User"), ("role", ""), ("secret-header", "X-Proxy-Secret"))
    )
    if len(given.get("secret", "")) < SHORTEST_SECRET:
        raise WrongLogin(f"{NAME}: the secret has at least {SHORTEST_SECRET} characters; without one anybody near the proxy could log in.")
    if len({user, role, secret_header}) < 3:
        raise WrongLogin(f"{NAME}: each header has a name of its own.")
    try:
        default = Role(given.get("default", Role.VIEWER))
    except ValueError:
        raise WrongLogin(f"{NAME}: default is one of {', '.join(Role)}.") from None
    return Proxy(user, role, default, secret_header, hashlib.sha256(given["secret"].encode()).digest())


def _header(name: str) -> bytes:
    if name and not _HEADER.fullmatch(name):
        raise WrongLogin(f"{NAME}: {name!r} is no name of a header.")
    return name.lower().encode()


def _values(headers: Headers, name: bytes) -> list[bytes]:
    """By the exact name: what is spelled with an underscore is another header."""
    return [value for given, value in headers if given == name]


def _named(names: Sequence[bytes]) -> str:
    try:
        name = unicodedata.normalize("NFC", names[0].decode().strip()) if names else ""
    except UnicodeDecodeError:
        name = ""
    if not is_name(name):
        raise Denied(401, "bad_proxy_user", say("The proxy names nobody, or somebody whose name cannot be one."))
    return name
