"""Who asks: a name, a role, and how we know."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Role(StrEnum):
    """From the one who may least to the one who may most."""

    VIEWER = "viewer"  # reads
    OPERATOR = "operator"  # launches, cancels, retries, deletes
    ADMIN = "admin"  # also slots and pauses, settings, everybody's sessions

    @property
    def rank(self) -> int:
        """Higher may more."""
        return _RANKS[self]


_RANKS = {role: rank for rank, role in enumerate(Role)}


class Via(StrEnum):
    """How we know who it is."""

    OPEN = "open"  # nobody is asked: one person on this machine
    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    TOKEN = "token"  # noqa: S105
    PROXY = "proxy"
    HOST = "host"  # the project in which we are mounted


class Principal(Struct, frozen=True):
    """Who asks. `session` names what the knowledge stands on: a session, or the hash of a token; empty where there is neither."""

    name: str
    role: Role
    via: Via
    session: str = ""

    @property
    def ambient(self) -> bool:
        """Whether a browser says it by itself, whoever's page makes it ask: then a CSRF token must say that the page is ours."""
        return self.via in (Via.PASSWORD, Via.PROXY, Via.HOST)


NOBODY_ASKED = Principal("", Role.ADMIN, Via.OPEN)
