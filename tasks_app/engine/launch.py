"""What somebody asks to run: one strict model for API, form, command line and code."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.problems import problems_of
from tasks_app.engine.registry import MAX_ATTEMPTS
from tasks_app.engine.sentences import say
from tasks_app.engine.webhook import WebhookRequest

MAX_TIMEOUT = 7 * 24 * 3600.0
LAST_YEAR = 2999  # of a start time: in any time zone it can still be written as a date
_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE)


def plain_text(text: str) -> str:
    """Refuse control characters: a name is one line of text. Raises ValueError."""
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text):
        raise ValueError(say("must be one line of text without control characters"))
    return text


def tag_text(text: str) -> str:
    """Refuse what could not be searched for: a tag has no white space. Raises ValueError."""
    if any(c.isspace() for c in plain_text(text)):
        raise ValueError(say("must not contain white space"))
    return text


def writable_time(at: datetime | None) -> datetime | None:
    """Refuse times too far away to be written in every time zone. Raises ValueError."""
    if at is not None and not 1 < at.year <= LAST_YEAR:
        raise ValueError(say("must be before the year {year}", year=LAST_YEAR + 1))
    return at


Tag = Annotated[str, Field(min_length=1, max_length=50), AfterValidator(tag_text)]


class LaunchRequest(BaseModel):
    """A task to be. Bounds are part of the model, so each door refuses the same things in the same words."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    type: Annotated[str, Field(min_length=1, max_length=200, description="What to run: the name of a task type.")]
    params: dict[str, Any] = Field(default_factory=dict, description="Its params, as the task type declares them.")
    name: Annotated[str, Field(max_length=200, description="A name of your own."), AfterValidator(plain_text)] = ""
    tags: list[Tag] = Field(default_factory=list, max_length=16, description="Words to find it by.", json_schema_extra={"default": []})
    priority: Annotated[int, Field(ge=-100, le=100, description="Higher goes first.")] = 0
    timeout: Annotated[float | None, Field(gt=0, le=MAX_TIMEOUT, description="Seconds an attempt may take.")] = None
    max_attempts: Annotated[int | None, Field(ge=1, le=MAX_ATTEMPTS, description="How often to try; by default what the type says.")] = None
    run_at: Annotated[
        AwareDatetime | None,
        Field(description="When to start: RFC 3339 with an offset. By default at once."),
        AfterValidator(writable_time),
    ] = None
    idempotency_key: Annotated[
        str | None,
        Field(min_length=1, max_length=200, description="Launching again with the same key gives the first task."),
        AfterValidator(lambda key: None if key is None else plain_text(key)),
    ] = None
    webhook: Annotated[WebhookRequest | None, Field(description="Where its end is told.")] = None

    def fingerprint(self) -> bytes:
        """Names the content: the same key with another content is a conflict."""
        left_out = {"webhook"} if self.webhook is None else None  # keys that were used before there were webhooks stay what they were
        return hashlib.blake2b(self.model_dump_json(exclude=left_out).encode(), digest_size=16).digest()

    def mark(self) -> bytes:
        """Names the idempotency key and the content, in 32 bytes; none without a key."""
        return b"" if self.idempotency_key is None else short(self.idempotency_key) + self.fingerprint()


def short(key: str) -> bytes:
    """What is kept of an idempotency key, however long it is: 16 bytes."""
    return hashlib.blake2b(key.encode(), digest_size=16).digest()


_validated: Callable[[Any], LaunchRequest] = LaunchRequest.__pydantic_validator__.validate_python  # what `model_validate` calls


def parse_launch(given: Any) -> LaunchRequest:
    """A LaunchRequest from JSON values. Raises InvalidParams with each field that is wrong."""
    if type(given) is dict and type(when := given.get("run_at")) is str:
        given = {**given, "run_at": _moment(when)}
    try:
        return _validated(given)
    except ValidationError as error:
        raise InvalidParams(problems_of(error, "body")) from None


def _moment(text: str) -> datetime:
    try:
        if _RFC_3339.fullmatch(text):
            return datetime.fromisoformat(text.upper())
    except ValueError:  # a day or an hour that does not exist
        pass
    raise InvalidParams([("run_at", say("must be an RFC 3339 time with an offset, such as 2030-01-31T18:00:00Z"))])
