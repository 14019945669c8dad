"""Users: `name:role:hash`, as `manage.py hashpassword` writes them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence

from django.contrib.auth.hashers import identify_hasher
from msgspec import Struct

from tasks_app.auth.lines import Line
from tasks_app.auth.principal import Role

LONGEST_NAME = 64
_NAME = re.compile(rf"[^\s:,#]{{1,{LONGEST_NAME}}}")


class User(Struct, frozen=True):
    """Who may log in. `stamp` changes with role and password: a session that was begun with another one is over."""

    name: str
    role: Role
    hash: str

    @property
    def stamp(self) -> bytes:
        """Names role and password, and tells neither."""
        return hashlib.sha256(f"{self.role}:{self.hash}".encode()).digest()


def users_of(lines: Sequence[Line]) -> Mapping[str, User]:
    """Users by name. Raises WrongLogin with the line that is wrong."""
    found: dict[str, User] = {}
    for line in lines:
        user = _user(line)
        if user.name in found:
            raise line.wrong("there is a line for this name already")
        found[user.name] = user
    return found


def _user(line: Line) -> User:
    parts = line.text.split(":", 2)
    if len(parts) != 3:
        raise line.wrong("a user is name:role:hash, as `manage.py hashpassword NAME ROLE` writes it")
    name, role = named(line, parts[0]), role_of(line, parts[1])
    try:
        identify_hasher(parts[2])
    except ValueError:
        raise line.wrong("this is no hash of a password; `manage.py hashpassword` makes them") from None
    return User(name, role, parts[2])


def is_name(text: str) -> bool:
    """Whether somebody may have this name: printable, without white space, colon, comma and hash."""
    return bool(_NAME.fullmatch(text)) and text.isprintable()


def named(line: Line, text: str) -> str:
    """A name as it stands in a line. Raises WrongLogin."""
    name = unicodedata.normalize("NFC", text.strip())
    if not is_name(name):
        raise line.wrong(f"a name has 1 to {LONGEST_NAME} printable characters without white space, colon, comma and #")
    return name


def role_of(line: Line, text: str) -> Role:
    """A role as it stands in a line. Raises WrongLogin."""
    try:
        return Role(text.strip())
    except ValueError:
        raise line.wrong(f"the role is one of {', '.join(Role)}") from None
