"""What handlers say through loggers of their own, `logging` or structlog: whose line it is, and the task's log as one more way out."""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import Any, NamedTuple

import structlog

from tasks_app.engine.whose import running

OURS = "iotask"  # our own loggers say whose line it is themselves
MOST_FIELDS = 20  # of a line that structlog made
RESERVED = frozenset({"time", "level", "event", "logger", "task", "number", "type", "attempt", "error", "message", "traceback"})
_FIELD = re.compile(r"[A-Za-z_][\w.]{0,63}")
_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warning"), (logging.INFO, "info"))


class Whose(NamedTuple):
    """The attempt that said something."""

    task: str
    number: int
    type: str
    attempt: int


def mark() -> None:
    """Have each record say whose it is from now on, in `record.whose`; and structlog hand on to `logging`, unless it was set up already."""
    made = logging.getLogRecordFactory()
    if not isinstance(made, _Marked):
        logging.setLogRecordFactory(_Marked(made))
    if not structlog.is_configured():
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.PositionalArgumentsFormatter(), _handed_on],
            wrapper_class=structlog.stdlib.BoundLogger,
            logger_factory=structlog.stdlib.LoggerFactory(),
        )


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a record has beside its text: fields that structlog was given, and whose it is."""
    said: MutableMapping[str, Any] = getattr(record, "said", {})
    kept = {name: value for name, value in said.items() if _FIELD.fullmatch(str(name)) and name not in RESERVED}
    found = dict(list(kept.items())[:MOST_FIELDS])
    whose = getattr(record, "whose", None)
    return {**found, **whose._asdict()} if isinstance(whose, Whose) else found


class ToTask(logging.Handler):
    """Writes what a handler's loggers say into its task's log as well, which is bounded as ever: from a level on, or `off`."""

    def __init__(self, level: str) -> None:
        super().__init__(logging.NOTSET if level == "off" else level.upper())
        self._is_off = level == "off"

    def begin(self) -> None:
        """Hear all loggers from now on."""
        mark()
        if not self._is_off:
            logging.getLogger().addHandler(self)

    def end(self) -> None:
        """Hear them no more."""
        logging.getLogger().removeHandler(self)

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the lock that handlers have: writing to the log takes the store's, whose listeners say something themselves."""
        accepted = bool(self.filter(record))
        if accepted:
            self.emit(record)
        return accepted

    def emit(self, record: logging.LogRecord) -> None:
        """In the coroutine or thread that said it."""
        context = running.get()
        if context is None or record.name.partition(".")[0] == OURS:
            return
        try:
            text = record.getMessage()
            if record.exc_info and record.exc_info[0] is not None:
                text = f"{text} ({record.exc_info[0].__name__}: {record.exc_info[1]})"
            fields = "".join(f" {name}={value}" for name, value in getattr(record, "said", {}).items())
            context.log(text + fields, next((word for level, word in _LEVELS if record.levelno >= level), "debug"))
        except Exception:
            self.handleError(record)


class _Marked:
    """A record factory around the one before."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._made(*args, **kwargs)
        context = running.get()
        if context is not None:
            record.whose = Whose(context.task_id, context.number, context.type, context.attempt)
        return record


def _handed_on(_: Any, method: str, event: MutableMapping[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    """structlog's last step: text and fields as a call of `logging` takes them."""
    text = str(event.pop("event", ""))
    given = {name: event.pop(name) for name in ("exc_info", "stack_info") if name in event}
    return (text,), {**given, "extra": {"said": dict(event)}}
