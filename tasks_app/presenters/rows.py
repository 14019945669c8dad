"""One row of the task list: its slots, and the whole `<tr>`. The same bytes go to every viewer: nothing personal, no token."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from django.urls import get_script_prefix
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from tasks_app.engine.bulk import Action, is_for
from tasks_app.engine.task import TERMINAL, Task
from tasks_app.presenters import states, words
from tasks_app.presenters.addresses import again_url, task_url
from tasks_app.presenters.allowed import allowed
from tasks_app.presenters.labels import label
from tasks_app.presenters.states import How, When
from tasks_app.presenters.stencil import filled
from tasks_app.runtime import Runtime

KEPT = 2_000  # rows of tasks that have ended: about 2 KB each; their records, which may be much larger, leave when the store lets them go
_kept: OrderedDict[tuple[str, int, str | None, str], SafeString] = OrderedDict()  # by id, hash, language and place of the pages


def row_slots(runtime: Runtime, task: Task) -> dict[str, str]:
    """Slot name -> inner HTML; names that begin with `data-` are attributes of the row itself."""
    state = states.state(runtime, task)
    return {
        "data-status": task.status.value,
        "data-can": " ".join(action for action in Action if is_for(action, task)),
        "status": filled("tasks/slots/status.html", status=task.status.value, word=str(words.STATUS_WORDS[task.status])),
        "what": _what(runtime, task),
        "how": _how(state.how, task.number),
        "when": _when(state.when),
        "actions": _actions(runtime, task),
    }


def row_html(runtime: Runtime, task: Task) -> SafeString:
    """The whole row. That of a task that has ended is made once, while it is shown again and again."""
    return _kept_row(runtime, task, (get_language(), get_script_prefix()))


def rows_html(runtime: Runtime, tasks: Iterable[Task]) -> SafeString:
    """The rows of a page."""
    place = get_language(), get_script_prefix()  # asked for once: finding them takes as long as finding a row
    return SafeString("".join([_kept_row(runtime, task, place) for task in tasks]))


def _kept_row(runtime: Runtime, task: Task, place: tuple[str | None, str]) -> SafeString:
    if task.status not in TERMINAL:
        return _row(runtime, task)
    key = (task.id, hash(task), *place)
    row = _kept.get(key)
    if row is None:
        row = _kept[key] = _row(runtime, task)
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    return row


def _row(runtime: Runtime, task: Task) -> SafeString:
    slots = row_slots(runtime, task)
    cells = {name: mark_safe(html) for name, html in slots.items() if not name.startswith("data-")}  # noqa: S308 - made above
    return filled("tasks/row.html", id=task.id, number=task.number, data_status=slots["data-status"], data_can=slots["data-can"], **cells)


def _what(runtime: Runtime, task: Task) -> SafeString:
    shown = label(runtime, task)
    return filled(
        "tasks/slots/what.html", url=task_url(task), type=shown.type, name=shown.name, attempt=shown.attempt, summary=shown.summary
    )


def _how(how: How, number: int) -> SafeString:
    bar = how.bar
    measured = bar is not None and bar.total is not None
    current, total = (f"{bar.current:.15g}", f"{bar.total:.15g}") if bar and bar.total is not None else ("", "")
    return filled(
        "tasks/slots/how.html",
        bar=bar is not None,
        measured=measured,
        bad=how.bad,
        current=current,
        total=total,
        percent=bar.percent if bar else "",
        first=how.first,
        second=how.second,
        number=number,
    )


def _when(when: When) -> SafeString:
    return filled("tasks/slots/when.html", first=when.first, second=when.second)


def _actions(runtime: Runtime, task: Task) -> SafeString:
    may = allowed(runtime, task)
    return filled(
        "tasks/slots/actions.html",
        cancel=may.cancel,
        force=may.force,
        no_force=may.no_force,
        retry=may.retry,
        rerun=may.rerun,
        rerun_first=may.rerun_first,
        url=task_url(task),
        again=again_url(task) if may.rerun else "",
        number=task.number,
    )
