"""Where the end of a task is told to somebody else: what a launch asks for, and what a record keeps of it."""

from __future__ import annotations

import base64
import re
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.sentences import say

PREFIX = "whsec_"  # of secrets, as the Standard Webhooks write them
SHORTEST, LONGEST = 24, 64  # bytes of a secret, by the same specification
_NOT_IN_URL = re.compile(r"[\s\x00-\x20\x7f\\]")


class Webhook(Struct, frozen=True, gc=False):
    """Where the end of a task is told, and what signs it; no secret: the server's own. Only `shown` is for people."""

    url: str
    secret: str = ""

    @property
    def shown(self) -> str:
        """The URL without its query, which may hold a key."""
        return self.url.partition("?")[0]

    def __repr__(self) -> str:
        return f"Webhook({self.shown!r})"


class WebhookRequest(BaseModel):
    """Where a launch wants to be told of its task's end."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    url: Annotated[
        str,
        Field(max_length=2048, description="Address that the ended task is posted to, beginning with http:// or https://"),
        AfterValidator(lambda text: url_of(text)),  # noqa: PLW0108 - it stands below
    ]
    secret: Annotated[
        SecretStr | None,
        Field(max_length=100, description="What signs it: whsec_ and 24 to 64 bytes in Base64. By default the server's own."),
        AfterValidator(lambda given: _checked(given)),  # noqa: PLW0108 - it stands below
    ] = None


def signed_hook(asked: WebhookRequest | None, *, signs: bool, field: str = "webhook.secret") -> Webhook | None:
    """What a record keeps of it. Raises InvalidValue, for that field, where neither it nor the server (`signs`) has a secret."""
    if asked is None:
        return None
    if asked.secret is None and not signs:
        raise InvalidValue(say("is needed: this server has no secret of its own to sign with"), field=field)
    return Webhook(asked.url, asked.secret.get_secret_value() if asked.secret else "")


def request_of(hook: Webhook) -> WebhookRequest:
    """What would be asked for to keep this."""
    return WebhookRequest(url=hook.url, secret=SecretStr(hook.secret) if hook.secret else None)


def url_of(text: str) -> str:
    """The same text, if it is a URL that can be posted to. Raises ValueError; whether it may be dialled is another matter."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:
        fits = False
    if not fits or _NOT_IN_URL.search(text):
        raise ValueError(say("must be a URL that begins with http:// or https://, without a fragment"))
    if "@" in parts.netloc:
        raise ValueError(say("must be a URL without a user or password in it"))
    return text


def _checked(given: SecretStr | None) -> SecretStr | None:
    if given is not None:
        secret_of(given.get_secret_value())
    return given


def secret_of(text: str) -> bytes:
    """The bytes of a secret. Raises ValueError."""
    try:
        found = base64.b64decode(text.removeprefix(PREFIX), validate=True) if text.startswith(PREFIX) else b""
    except ValueError:  # also for what is not ASCII
        found = b""
    if not SHORTEST <= len(found) <= LONGEST:
        raise ValueError(say("must be whsec_ and {least} to {most} bytes in Base64", least=SHORTEST, most=LONGEST))
    return found
