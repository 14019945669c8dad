"""Reads lines back, strictly, as a program that collects logs would."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Never

_PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"=\\]*)(?: |$)')


def from_json(line: str) -> dict[str, Any]:
    """The fields of a line of JSON. Raises ValueError, also for what only Python takes for JSON."""
    found: dict[str, Any] = json.loads(line, parse_constant=_refused)
    return found


def from_logfmt(line: str) -> dict[str, str]:
    """The fields of a line of logfmt, all as text. Raises ValueError."""
    found: dict[str, str] = {}
    at = 0
    while at < len(line):
        pair = _PAIR.match(line, at)
        if pair is None or pair[1] in found:
            raise ValueError(f"at {at}: {line}")
        found[pair[1]] = json.loads(pair[2]) if pair[2].startswith('"') else pair[2]
        at = pair.end()
    return found


def lines_of(path: Path) -> list[dict[str, Any]]:
    """All lines of a file of JSON lines."""
    return [from_json(line) for line in path.read_text("utf-8").splitlines()]


def record(text: str = "", **values: Any) -> logging.LogRecord:
    """A record as a logger makes it."""
    return logging.makeLogRecord({"name": "some.where", "levelname": "INFO", "levelno": logging.INFO, "msg": text, **values})


class Kept(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def said(self) -> list[str]:
        """Their texts, with their notes."""
        return [record.getMessage() + getattr(record, "note", "") for record in self.records]

    @property
    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Their events, with the fields that are there."""
        return [(r.about.event, {k: v for k, v in r.about.fields.items() if v is not None}) for r in self.records]  # type: ignore[attr-defined]


@contextmanager
def kept(name: str, level: int = logging.DEBUG) -> Iterator[Kept]:
    """What a logger says meanwhile."""
    logger, handler = logging.getLogger(name), Kept()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield handler
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


def _refused(word: str) -> Never:
    raise ValueError(word)
