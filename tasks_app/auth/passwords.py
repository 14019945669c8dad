"""Checks passwords away from the event loop: one try costs half a second of a processor, on purpose."""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password

from tasks_app.auth.errors import Denied
from tasks_app.engine.sentences import say

LONGEST = 1024  # bytes
THREADS = 2  # the rest of the machine is for those who are in already
MOST_WAITING = 32


def plain(password: str) -> str:
    """The same text in one spelling: what looks alike on two keyboards is the same password. Raises Denied where it is too long."""
    if len(password.encode("utf-8", "surrogatepass")) > LONGEST:
        raise Denied(400, "password_too_long", say("A password has at most {most:,} bytes.", most=LONGEST))
    return unicodedata.normalize("NFC", password)


class Passwords:
    """A pool of its own. Names that nobody has cost as much time as names that somebody has."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._waiting = 0
        standard = PBKDF2PasswordHasher()
        self._nobodys = f"{standard.algorithm}${standard.iterations}${'x' * 22}${'A' * 43}="

    async def matches(self, password: str, hash: str | None) -> bool:
        """Whether this is the password of a hash, False where `hash` is None. Raises Denied when too many are being looked at."""
        if self._waiting >= MOST_WAITING:
            raise Denied(503, "too_many_logins", say("Too many people log in at the moment."), retry_after=10)
        self._waiting += 1
        try:
            right = await asyncio.get_running_loop().run_in_executor(self._pool, check_password, password, hash or self._nobodys)
        finally:
            self._waiting -= 1
        return right and hash is not None
