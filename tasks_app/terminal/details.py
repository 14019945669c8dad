"""One task, or one task type, for people: all there is to know, a line each."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from tasks_app.terminal.screens import console, table
from tasks_app.terminal.screens import status as coloured
from tasks_app.terminal.values import kinds_of
from tasks_app.terminal.words import compact, duration, far, lines_of, moment, plain


def show_task(task: dict[str, Any]) -> None:
    """Print a task; what is not known of it has no line."""
    out = console()
    for name, value in _facts(task):
        if value:
            out.print(Text(f"{name:<10}", "bold"), value)
    for attempt in task["attempts"]:
        words = [f"{moment(attempt['started_at'])}", attempt["outcome"] or "running", duration(attempt["duration_seconds"])]
        out.print(Text(f"{'attempt ' + str(attempt['number']):<10}", "bold"), Text(", ".join(words)))
    if task["error"]:
        for line in lines_of(task["error"]["traceback"] or ""):
            out.print(Text(line, "dim"))


def _facts(task: dict[str, Any]) -> list[tuple[str, Text | str]]:
    progress, error, cancel = task["progress"] or {}, task["error"], task["cancel"]
    found: list[tuple[str, Text | str]] = [
        ("task", Text(f"#{task['number']} {task['id']}")),
        ("type", Text(plain(task["type"]))),
        ("name", Text(plain(task["name"]))),
        ("status", coloured(task)),
        ("waits", Text(plain(task["waiting"]["reason"])) if task["waiting"] else ""),
        ("progress", Text(" ".join(word for word in (far(task), plain(progress.get("message", ""))) if word))),
        ("params", Text(compact(task["params"]))),
        ("tags", Text(", ".join(plain(tag) for tag in task["tags"]))),
        ("created", Text(moment(task["created_at"]))),
        ("starts", Text(moment(task["scheduled_for"]))),
        ("started", Text(moment(task["started_at"]))),
        ("ended", Text(moment(task["ended_at"]))),
        ("took", Text(duration(task["duration_seconds"]))),
        ("cancelled", Text(plain(f"by {cancel['by'] or 'nobody known'}: {cancel['reason']}")) if cancel else ""),
        ("result", Text(compact(task["result"], 20_000)) if task["result"] is not None else ""),
        ("error", Text(plain(f"{error['type']}: {error['message']}"), "red") if error else ""),
    ]
    return [(name, value) for name, value in found if str(value)]


def show_type(found: dict[str, Any]) -> None:
    """Print a task type, and a row for each param: its kind, its default, what it is."""
    out = console()
    out.print(Text(f"{found['name']}: {plain(found['title'])}", "bold"))
    for line in lines_of(found["description"]):
        out.print(Text(line))
    attempts = "1 attempt" if found["max_attempts"] == 1 else f"{found['max_attempts']} attempts"
    out.print(Text(f"runs as {found['kind']}, {attempts}, timeout {duration(found['timeout']) or 'none'}"))
    schema = found["params"]
    needed = schema.get("required", ())
    rows = [
        (name, _kind(field, schema), "needed" if name in needed else compact(field.get("default"), 40), field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
    ]
    if rows:
        out.print()
        table(("param", "kind", "default", ""), rows)


def _kind(field: dict[str, Any], schema: dict[str, Any]) -> str:
    kinds = kinds_of(field, schema)
    words = [", ".join(map(str, kind["enum"])) if "enum" in kind else str(kind.get("type", "any")) for kind in kinds]
    return " or ".join(dict.fromkeys(words))
