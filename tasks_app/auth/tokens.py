"""Tokens for scripts: `label:role:sha256`, as `manage.py maketoken` writes them. The token itself is kept nowhere."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from msgspec import Struct

from tasks_app.auth.lines import Line
from tasks_app.auth.principal import Role
from tasks_app.auth.users import named, role_of

PREFIX = "iotask_"  # so that a token that got somewhere it should not be is recognised
RANDOM_BYTES = 24
LONGEST = 200  # characters
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Token(Struct, frozen=True):
    """What a script may do that shows a text with this SHA-256 (in hexadecimal)."""

    label: str
    role: Role
    digest: str


def tokens_of(lines: Sequence[Line]) -> tuple[Token, ...]:
    """All tokens. Raises WrongLogin with the line that is wrong."""
    found: list[Token] = []
    for line in lines:
        token = _token(line)
        if any(token.label == other.label or token.digest == other.digest for other in found):
            raise line.wrong("there is a line with this label or this token already")
        found.append(token)
    return tuple(found)


def _token(line: Line) -> Token:
    parts = line.text.split(":")
    if len(parts) != 3 or not _DIGEST.fullmatch(digest := parts[2].strip().lower()):
        raise line.wrong("a token is label:role:sha256, as `manage.py maketoken LABEL ROLE` writes it")
    return Token(named(line, parts[0]), role_of(line, parts[1]), digest)


def new_token() -> str:
    """A token nobody can guess: 192 random bits."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def digest_of(text: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def find(tokens: Sequence[Token], text: str) -> Token | None:
    """The token that a script shows. All are compared, each in a time that does not tell how much of it is right."""
    if len(text) > LONGEST:
        return None
    digest, found = digest_of(text), None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found
