"""Signatures by the Standard Webhooks specification, https://www.standardwebhooks.com: HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import hashlib
import hmac

from tasks_app.engine.webhook import secret_of

VERSION = "v1"


def headers(message: str, at: float, body: bytes, secret: str) -> dict[str, str]:
    """The three headers of a message that is sent at this moment (seconds since 1970). Raises ValueError for what is no secret."""
    stamp = str(int(at))
    signed = b".".join((message.encode(), stamp.encode(), body))
    code = base64.b64encode(hmac.new(secret_of(secret), signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message, "webhook-timestamp": stamp, "webhook-signature": f"{VERSION},{code}"}
