"""The Types page: what can run here, a row for each type, and a note for each that is paused."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from functools import lru_cache
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.queues import Queue
from tasks_app.engine.registry import TaskType
from tasks_app.engine.task import Status
from tasks_app.presenters import history, times, type_figures, words
from tasks_app.presenters.filters import linked
from tasks_app.presenters.labels import cut
from tasks_app.presenters.sentences import described
from tasks_app.presenters.type_figures import SPANS, Slots
from tasks_app.rendering import get_template
from tasks_app.runtime import Runtime

RUNS = 16
WIDTH = RUNS * history.STEP - (history.STEP - history.BAR)
LONGEST = 160  # characters of a description, and of words that are searched for
_SENTENCE = re.compile(r"(?<=\.)\s+")


class Row(Struct, frozen=True):
    """One type. Texts are empty where there is nothing to tell yet."""

    name: str
    about: str
    kind: str
    made_by: str
    fields: tuple[tuple[str, bool], ...]
    slots: Slots
    worked: str
    runs: str
    half: str
    most: str
    bars: history.History | None
    paused: bool
    launchable: bool


class Note(Struct, frozen=True):
    """A type that is paused: who asked, since when, and what that means."""

    name: str
    said: SafeString


class Stranger(Struct, frozen=True):
    """A type that is not installed, of which tasks are kept."""

    name: str
    tasks: str
    link: str


def parts(runtime: Runtime, span: str, wanted: str = "") -> dict[str, str]:
    """The page's parts as HTML: `notes`, `summary` and `types`, of the types that hold the words `wanted`. `span` is one of SPANS."""
    known = sorted(search(list(runtime.registry), wanted), key=lambda found: (not found.launchable, found.name))
    rows = [row(runtime, task_type, SPANS[span]) for task_type in known]
    paused = [runtime.engine.queues.get(shown.name) for shown in rows if shown.paused]
    return {
        "notes": rendered("notes", notes=tuple(Note(q.type, note(runtime, q)) for q in paused), strangers=tuple(strangers(runtime))),
        "summary": _summary(len(rows), len(paused)),
        "types": "\n".join(rendered("row", row=shown, width=WIDTH) for shown in rows) or rendered("none", wanted=wanted),
    }


def row(runtime: Runtime, task_type: TaskType, hours: int) -> Row:
    """A type and its figures of the last hours."""
    figures = runtime.engine.stats.lately(task_type.name, hours)
    count = type_figures.runs_of(figures)
    newest = history.ended_runs(runtime.store, task_type.name, RUNS)
    return Row(
        name=task_type.name,
        about=about(task_type),
        kind=str(type_figures.KINDS[task_type.kind]),
        made_by=type_figures.made_by(task_type),
        fields=type_figures.fields_of(task_type.params),
        slots=type_figures.slots(runtime, task_type.name),
        worked=type_figures.worked(figures),
        runs=type_figures.runs_words(count) if count else _("no runs"),
        half=type_figures.took(figures, 0.50),
        most=type_figures.took(figures, 0.95),
        bars=history.history(newest, task_type.name, places=RUNS) if newest else None,
        paused=runtime.engine.queues.get(task_type.name).paused,
        launchable=task_type.launchable,
    )


def about(task_type: TaskType) -> str:
    """What a type does, in a line: the first sentence of its description, or its title."""
    first = _SENTENCE.split(described(task_type.description).partition("\n\n")[0] or described(task_type.title), maxsplit=1)[0]
    return cut(first, LONGEST).removesuffix(".")


def further(task_type: TaskType) -> str:
    """What its description says beyond that."""
    said = described(task_type.description)
    return _SENTENCE.split(said, maxsplit=1)[-1] if _SENTENCE.search(said) else ""


def note(runtime: Runtime, queue: Queue) -> SafeString:
    """That a type is paused, and what it means for those who wait."""
    waiting = runtime.store.count_of(queue.type, Status.PENDING)
    waits = ngettext("%(count)s task waits and keeps its place.", "%(count)s tasks wait and keep their place.", waiting)
    rest = waits % {"count": words.count(waiting)} if waiting else _("Nothing waits.")
    name, since = format_html("<b>{}</b>", queue.type), times.moment(queue.paused_at or 0.0)
    if queue.paused_by:
        said = format_html(_("{} is paused, by {}, since {}."), name, format_html("<bdi>{}</bdi>", queue.paused_by), since)
    else:
        said = format_html(_("{} is paused, since {}."), name, since)
    return format_html("{} {} {}", said, _("What runs goes on."), rest)


def strangers(runtime: Runtime) -> list[Stranger]:
    """Types of tasks that are kept and can no longer run."""
    counted = {name: sum(counts.values()) for name, counts in runtime.store.type_counts.items()}
    gone = sorted(name for name, count in counted.items() if count and runtime.registry.find(name) is None)
    return [Stranger(name, words.tasks(counted[name]), linked([("type", name)])) for name in gone]


def search(registry: list[TaskType], wanted: str) -> list[TaskType]:
    """The types whose name, title, description or fields hold all the words."""
    asked = wanted.lower().split()
    return [found for found in registry if all(word in _text(found) for word in asked)]


def asked_span(asked: Mapping[str, str]) -> str:
    """The span a URL asks for: `day` unless it says `week`."""
    return asked.get("span", "") if asked.get("span", "") in SPANS else "day"


def asked_words(asked: Mapping[str, str]) -> str:
    """The words a URL searches for."""
    return " ".join(asked.get("q", "")[:LONGEST].split())


def board_page(span: str, wanted: str) -> str:
    """What names the page below `/live/boards/`."""
    asked = ({} if span == "day" else {"span": span}) | ({"q": wanted} if wanted else {})
    return f"types?{urlencode(asked)}" if asked else "types"


def type_url(name: str) -> str:
    """The page of a type."""
    return reverse("web:type", args=[name])


def _text(found: TaskType) -> str:
    said = f"{found.title} {found.description} {described(found.title)} {described(found.description)}"  # in either language
    return f"{found.name} {said} {' '.join(found.params.model_fields)}".lower()


def _summary(count: int, paused: int) -> str:
    said = ngettext("%(count)s type", "%(count)s types", count) % {"count": words.count(count)}
    if not paused:
        return said
    return f"{said}, {ngettext('%(count)s paused', '%(count)s paused', paused) % {'count': words.count(paused)}}"


def rendered(slot: str, **values: Hashable) -> str:
    """A part of a page of types. What says the same as before is not rendered again: most parts stay as they are from look to look."""
    return _rendered(slot, get_language(), tuple(values.items()))


@lru_cache(maxsize=1024)
def _rendered(slot: str, language: str | None, values: tuple[tuple[str, Hashable], ...]) -> str:
    return str.__str__(get_template(f"types/slots/{slot}.html").render(dict(values)).strip())
