"""What a line looks like: a record as JSON, as logfmt, or for people. No text of anybody's can begin a line or a field of its own."""

from __future__ import annotations

import json
import logging
import math
import re
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from structlog.processors import JSONRenderer, format_exc_info
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

from tasks_app.handler_lines import fields_of

Form = Literal["json", "logfmt", "people"]
LONGEST = 2000  # characters of a value
LONGEST_TRACEBACK = 16_000
FOREIGN = "library_said"  # the event of a line that no code of ours wrote
_EVENTS = {"django.request": "request_failed", "django.security": "request_refused"}
_COLOURS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
# What ends a line somewhere, moves a terminal's cursor, turns the direction of writing, cannot be seen, or cannot be written as UTF-8.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")
_WORD = re.compile(r'[^\s"=\\]+')  # needs no quotes
_SENTENCE = re.compile(r'[^"=\\]*')


class About(NamedTuple):
    """The event a record tells of, a short stable word, and its fields. None leaves a field out."""

    event: str
    fields: dict[str, Any]


def about(event: str, **fields: Any) -> dict[str, Any]:
    """What a logger takes as `extra`: `logger.error("It broke", extra=about("request_failed", path=path))`."""
    return {"about": About(event, fields)}


def formatter(form: Form, *, colours: bool = False) -> logging.Formatter:
    """Turns records into lines without their line break; for people a traceback follows on indented lines of its own."""
    renderers: dict[Form, Processor] = {"json": JSONRenderer(serializer=_json), "logfmt": _logfmt, "people": _People(colours=colours)}
    return ProcessorFormatter(processors=[_told, renderers[form]], foreign_pre_chain=[_error, format_exc_info])


def _error(_: Any, level: str, line: EventDict) -> EventDict:
    """What kind of error it was, before only its traceback is left."""
    kind = (line.get("exc_info") or (None,))[0]
    return {**line, "error": kind.__name__} if kind else line


def _told(_: Any, level: str, line: EventDict) -> EventDict:
    """The fields of a record, in order."""
    record: logging.LogRecord = line["_record"]
    told = getattr(record, "about", None)
    event, fields = told if isinstance(told, About) else (_event_of(record.name), {})
    fields = {**fields_of(record), **fields}
    found = {"time": moment(record.created), "level": level, "event": event, "logger": record.name, **fields}
    found.setdefault("error", line.get("error"))
    found["message"] = _cut(line["event"]) + getattr(record, "note", "") or None
    trace = line.get("exception")
    found["traceback"] = trace and (trace if len(trace) <= LONGEST_TRACEBACK else f"…{trace[-LONGEST_TRACEBACK:]}")
    return {name: value if name == "traceback" else _value(value) for name, value in found.items() if value is not None}


def _event_of(logger: str) -> str:
    return next((event for name, event in _EVENTS.items() if logger == name or logger.startswith(f"{name}.")), FOREIGN)


def moment(seconds: float) -> str:
    """A time in seconds since 1970 as lines have it: RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _value(value: Any) -> Any:
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else str(value)
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _json(value: Any, **_: Any) -> str:
    return _UNSAFE.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _logfmt(_: Any, level: str, line: EventDict) -> str:
    """structlog's own lets control characters through."""
    return " ".join(f"{name}={_plain(value)}" for name, value in line.items())


def _plain(value: Any, plain: re.Pattern[str] = _WORD) -> str:
    """A value as it is where that is plain, else in quotes as JSON has them."""
    if not isinstance(value, str):
        return str(value).lower()
    return value if plain.fullmatch(value) and not _UNSAFE.search(value) else _json(value)


class _People:
    """One line: time, level, event, fields, and at the end the message; then the traceback, if any."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, _: Any, level: str, line: EventDict) -> str:
        moment, logger, event = line.pop("time"), line.pop("logger"), line.pop("event")
        message, trace = line.pop("message", ""), line.pop("traceback", "")
        if event == FOREIGN:
            event = logger
        if "task" in line:
            line["task"] = line.pop("task")  # long, and told apart by its number
        fields = "".join(f" {name}={_plain(value)}" for name, value in line.items() if name != "level")
        said = f": {_plain(message, _SENTENCE)}" if message else ""
        return f"{moment[:10]} {moment[11:23]}Z {self._shown(level.upper())} {event}{fields}{said}{_indented(trace)}"

    def _shown(self, level: str) -> str:
        colour = self._colours and _COLOURS.get(level)
        return f"{colour}{level:<7}\x1b[0m" if colour else f"{level:<7}"


def _indented(trace: str) -> str:
    return "".join(f"\n    {_UNSAFE.sub(_escape, part)}" for part in trace.split("\n")) if trace else ""
