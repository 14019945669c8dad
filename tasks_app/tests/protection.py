"""The headers that every answer has, whoever gives it."""

from __future__ import annotations

from collections.abc import Mapping

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


def protected(headers: Mapping[str, str], *, kept: bool = False) -> None:
    """Fails unless these headers, by names in small letters, are those of an answer of ours; `kept`: of one that a browser may store."""
    assert ALWAYS.items() <= dict(headers).items()
    assert set(headers["content-security-policy"].split("; ")) == POLICY
    assert ("no-store" in headers["cache-control"]) is not kept
    assert "server" not in headers
    assert not [name for name in headers if name.startswith("access-control-")]
