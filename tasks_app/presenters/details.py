"""The Task page in slots: each a piece of HTML that depends on the record alone, so that it is pushed only when the task changes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tasks_app.engine.progress import Progress
from tasks_app.engine.task import RUNNING, TERMINAL, Attempt, Status, Task
from tasks_app.engine.trail import LogLine, Trail
from tasks_app.presenters import deliveries, facts, history, labels, results, states, times, words
from tasks_app.presenters.allowed import allowed
from tasks_app.presenters.cards import cards
from tasks_app.presenters.charts import HEIGHT, WIDTH, chart
from tasks_app.presenters.clocks import clocks, stopwatch, time_of_day
from tasks_app.presenters.elsewhere import elsewhere
from tasks_app.presenters.failure import frames
from tasks_app.presenters.failure_groups import alike
from tasks_app.presenters.rates import pace
from tasks_app.presenters.sentences import translated
from tasks_app.presenters.situation import situation
from tasks_app.presenters.tabs import tabs
from tasks_app.presenters.timeline import expected_end, known_until, timeline
from tasks_app.rendering import get_template
from tasks_app.runtime import Runtime

_BEGINS = '<li class="begins" data-seq="{}" data-attempt="{}"><b>{}</b>{}</li>'
_LINE = '<li data-seq="{}" data-level="{}" data-attempt="{}"><time title="{}">{}</time><span>{}</span><q><bdi>{}</bdi></q></li>'


def detail_slots(runtime: Runtime, task: Task, now: float | None = None) -> dict[str, str]:
    """Slot name -> inner HTML; names that begin with `data-` are attributes of the page's `<main>`.

    Clocks and drawings stand as at `now`, by default the newest moment the record itself speaks of.
    """
    at = known_until(task) if now is None else now
    trail = runtime.store.find_trail(task.number)
    language = get_language() or ""
    slots = {
        "data-status": task.status.value,
        "status": _status(task),
        "ended": times.past(task.ended_at, _("ended {}")) if task.ended_at is not None else "",
        "clocks": _rendered("clocks", {"clocks": clocks(task, at)}),
        "run": _run(runtime, task),
        "situation": situation(runtime, task),
        "actions": _rendered("actions", {"allowed": allowed(runtime, task), "task": task}),
        "timeline": _rendered("timeline", {"timeline": timeline(task, at)}),
        "tabs": _rendered("tabs", {"tabs": tabs(task, trail)}),
        "answer": _answer(runtime, task),
        "charts": _charts(task, trail, language),
        "dropped": _dropped(trail),
        "later": "" if task.status in TERMINAL else _rendered("later", {}),
        "attempts": _attempts(task.attempts, task.status, language),
        "deliveries": _rendered("deliveries", {"cards": deliveries.cards(runtime.webhooks.of(task.id)), "task": task}),
        "history": _history(history.runs(runtime.store, task, at), task.type, task.number, language),
        "slots": escape(facts.slots(runtime, task)),
        "elsewhere": elsewhere(runtime, task),
    }
    return {name: plain(text) for name, text in slots.items()}


def log_lines(lines: Iterable[LogLine], after: int = 1) -> str:
    """`<li>` items for the log, in order. Where a further attempt begins, an item says so; `after` is the attempt of the line before."""
    parts = []
    for line in lines:
        if line.attempt != after:
            parts.append(_begins(line))
            after = line.attempt
        parts.append(format_html(_LINE, *_line(line)))
    return plain("".join(parts))


def plain(text: str) -> str:
    """HTML as text and nothing else: what travels is encoded, and Django's SafeString is a type of its own."""
    return str.__str__(text)


def _begins(line: LogLine) -> SafeString:
    name = _("Attempt %(number)s") % {"number": line.attempt}
    return format_html(_BEGINS, line.seq, line.attempt, name, time_of_day(line.at - line.seconds))


def _line(line: LogLine) -> tuple[Any, ...]:
    title = _("attempt %(number)s, %(when)s") % {"number": line.attempt, "when": words.clock(line.at)}
    tenths = int(line.seconds * 10) % 10
    return line.seq, line.level, line.attempt, title, f"{stopwatch(line.seconds)}.{tenths}", _level(line.level), translated(line.text)


def _level(level: str) -> str:
    return {"debug": _("debug"), "warning": _("warning"), "error": _("error")}.get(level, _("info"))


def _status(task: Task) -> SafeString:
    values = {"status": task.status.value, "word": words.STATUS_WORDS[task.status], "attempt": labels.attempt(task)}
    return _rendered("status", values)


def _run(runtime: Runtime, task: Task) -> SafeString:
    if task.status not in RUNNING:
        return SafeString()
    bar = states.bar(task.progress)
    usual = runtime.engine.stats.typical(task.type) if not bar.percent else None
    values = {"bar": bar, "step": _step(task.progress), "pace": pace(task.progress), "usual": words.guess(usual) if usual else ""}
    return _rendered("run", values)


def _step(progress: Progress | None) -> str:
    if progress is None:
        return _("Running")
    if progress.message or progress.total is None:
        return translated(progress.message) or words.figure(progress.current)
    return _("%(part)s of %(all)s") % {"part": words.figure(progress.current), "all": words.figure(progress.total)}


def _answer(runtime: Runtime, task: Task) -> SafeString:
    if task.status not in TERMINAL:
        return SafeString()
    parts = []
    if task.error is not None:
        parts.append(_rendered("error", {"error": task.error, "frames": frames(task.error.traceback)}))
        parts.append(_rendered("alike", {"group": alike(runtime, task)}))
    if task.result is not None:
        parts.append(_rendered("result", {"result": facts.shown(task.result), "lines": _lines(runtime, task)}))
    return mark_safe("".join(parts))  # noqa: S308 - each part is safe


def _lines(runtime: Runtime, task: Task) -> tuple[str, ...]:
    task_type = runtime.registry.find(task.type)
    says = task.status is Status.COMPLETED and task_type is not None and task_type.headline is not None
    return results.headline(runtime, task) if says else ()


def _charts(task: Task, trail: Trail | None, language: str) -> SafeString:
    if trail is None or not trail.series:
        return SafeString()
    end, last = expected_end(task), task.attempt
    expected = end - last.started_at if end is not None and last is not None else None
    return _drawn(trail, trail.version, task.status in RUNNING, expected, language)


@lru_cache(maxsize=64)
def _drawn(trail: Trail, version: int, running: bool, expected: float | None, language: str) -> SafeString:
    shown = [chart(series, running=running, expected=expected) for series in list(trail.series.values())]
    return _rendered("charts", {"charts": shown, "size": (WIDTH, HEIGHT)})


def _dropped(trail: Trail | None) -> str:
    if trail is None or not trail.dropped:
        return ""
    return _("The first %(count)s of %(all)s lines are no longer kept.") % {
        "count": words.count(trail.dropped),
        "all": words.count(trail.lines_written),
    }


@lru_cache(maxsize=64)
def _attempts(attempts: tuple[Attempt, ...], status: Status, language: str) -> SafeString:
    return _rendered("attempts", {"cards": cards(attempts, status), "several": len(attempts) > 1})


@lru_cache(maxsize=64)
def _history(runs: tuple[history.Run, ...], type_name: str, number: int, language: str) -> SafeString:
    drawn = history.history(runs, type_name, number)
    return _rendered("history", {"history": drawn, "width": history.WIDTH, "type": type_name, "number": number})


def _rendered(slot: str, values: dict[str, Any]) -> SafeString:
    return mark_safe(get_template(f"task/slots/{slot}.html").render(values).strip())  # noqa: S308 - the template has escaped it
