"""What is wrong with the head of a request before anybody has looked at what it asks for."""

from __future__ import annotations

from collections.abc import Sequence

from httptools import parse_url

from tasks_app.api.problems import Problem

LONGEST_LENGTH = 20  # digits of a Content-Length: as many as the largest that the parser knows
Headers = Sequence[tuple[bytes, bytes]]


def wrong_with(target: bytes, headers: Headers, version: str) -> Problem | None:
    """What two readers could read differently is refused: they would not agree where the next request begins, or whom it is for."""
    encodings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if encodings and (encodings != [b"chunked"] or version != "1.1"):
        return Problem(400, "bad_framing", "A body comes with its Content-Length or, in HTTP/1.1, in chunks.")
    if any(name == b"content-length" and len(value) > LONGEST_LENGTH for name, value in headers):
        return Problem(400, "bad_framing", f"A Content-Length has at most {LONGEST_LENGTH} digits.")
    if version not in ("1.0", "1.1"):
        return Problem(505, "bad_version", "This server speaks HTTP/1.1.")
    if not target.startswith((b"/", b"*")) and not _same_host(target, headers):
        return Problem(400, "bad_target", "The address in the request line is not that of the Host header.")
    return None


def _same_host(target: bytes, headers: Headers) -> bool:
    """Whether a request line that names a whole address means the host that is named beside it."""
    url = parse_url(target)
    named = (url.host or b"") + (b":%d" % url.port if url.port else b"")
    return not url.userinfo and [value.lower() for name, value in headers if name == b"host"] == [named.lower()]
