"""What the door says no with.

WrongLogin    the settings of the login cannot be right: the server does not start
Denied        somebody is not let in, or may not do this
"""

from __future__ import annotations


class WrongLogin(Exception):
    """Users, tokens or the proxy are set in a way that cannot be right; the message is a sentence that shows no secret."""


class Denied(Exception):
    """`status` is 400, 401, 403, 429, 503 or 507; `code` and `message` are for programs, `sentence` says the message to people in any
    language, `retry_after` is in seconds (0: no use)."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.sentence = message
        self.message = str(message)
        self.retry_after = retry_after
