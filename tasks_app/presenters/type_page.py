"""The page of one task type: its slots, its figures, how long its runs took, what went wrong, its fields, and what a launch takes over."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.lately import Figures
from tasks_app.engine.queues import MAX_CONCURRENCY
from tasks_app.engine.registry import TaskType
from tasks_app.engine.task import Status
from tasks_app.presenters import clocks, facts, histogram, history, type_figures, types, words
from tasks_app.presenters.facts import Fact
from tasks_app.presenters.failure_groups import failure_groups
from tasks_app.presenters.fields import Field, fields
from tasks_app.presenters.filters import linked
from tasks_app.presenters.sentences import described
from tasks_app.presenters.type_figures import SPANS
from tasks_app.presenters.types import rendered
from tasks_app.runtime import Runtime


class FieldRow(Struct, frozen=True):
    """A field of the params model in words."""

    name: str
    kind: str
    limits: str
    default: str
    description: str
    required: bool


def parts(runtime: Runtime, task_type: TaskType, span: str) -> dict[str, str]:
    """The page's moving parts as HTML. `span` is one of SPANS."""
    figures = runtime.engine.stats.lately(task_type.name, SPANS[span])
    made: dict[str, Callable[[], str]] = {
        "note": lambda: _note(runtime, task_type.name),
        "head": lambda: rendered("head", slots=type_figures.slots(runtime, task_type.name), kind=_kind(task_type)),
        "runs": lambda: _runs(figures, span),
        "clocks": lambda: rendered("clocks", clocks=tuple(_clocks(figures))),
        "pause": lambda: rendered("pause", name=task_type.name, paused=runtime.engine.queues.get(task_type.name).paused),
        "took": lambda: _took(figures),
        "failures": lambda: rendered("failures", failures=failure_groups(runtime, task_type.name)),
        "back": lambda: _back(runtime, task_type.name),
        "gauge": lambda: _gauge(runtime, task_type),
        "history": lambda: _history(runtime, task_type.name),
    }
    return {name: make() for name, make in made.items()}


def board(runtime: Runtime, rest: str, asked: Mapping[str, str]) -> Callable[[Runtime], dict[str, str]]:
    """What makes the parts of `types` (an empty rest) or of the page of one type. Raises UnknownType."""
    span = types.asked_span(asked)
    if not rest:
        wanted = types.asked_words(asked)
        return lambda now: types.parts(now, span, wanted)
    task_type = runtime.registry.get(rest)
    return lambda now: parts(now, task_type, span)


def field_rows(task_type: TaskType) -> list[FieldRow]:
    """The fields of a type, in the order of its form."""
    return [_field_row(field) for field in fields(task_type.schema())]


def policy(runtime: Runtime, task_type: TaskType) -> tuple[Fact, ...]:
    """What holds for a launch that does not say otherwise, and how its handler is run."""
    limits = runtime.engine.limits
    limit = task_type.timeout or limits.timeout
    after = _("started again") if task_type.idempotent else _("ends as interrupted")
    return (
        Fact(_("Attempts"), facts.attempts_of(task_type.max_attempts, task_type)),
        Fact(_("Time limit"), words.span(limit) if limit else _("none")),
        Fact(_("Stops within"), _("%(time)s of Cancel") % {"time": words.span(limits.cancel_grace)}),
        Fact(_("Runs in"), _where(task_type)),
        Fact(_("After a crash, with a journal"), after),
        Fact(_("Kept"), _("%(time)s after its end") % {"time": words.span(limits.keep_seconds)}),
    )


def slots_hint(runtime: Runtime, task_type: TaskType) -> str:
    """What may be set, when it takes effect, and how long it holds."""
    return " ".join(
        (
            _("1 to %(most)s. Takes effect at once; fewer slots let what runs go on.") % {"most": words.count(MAX_CONCURRENCY)},
            _("All types together have %(count)s.") % {"count": words.count(runtime.engine.queues.max_running)},
            _("Holds until the server restarts; IOTASK_LIMITS sets it for good."),
        )
    )


def board_page(name: str, span: str) -> str:
    """What names this page below `/live/boards/`, without its query, and with it."""
    return f"types/{name}" if span == "day" else f"types/{name}?span={span}"


def list_link(name: str) -> str:
    """The list of its tasks."""
    return linked([("type", name)])


def _note(runtime: Runtime, name: str) -> str:
    queue = runtime.engine.queues.get(name)
    return str.__str__(types.note(runtime, queue)) if queue.paused else ""


def _kind(task_type: TaskType) -> tuple[str, ...]:
    return tuple(filter(None, (str(type_figures.KINDS[task_type.kind]), type_figures.made_by(task_type))))


def _where(task_type: TaskType) -> str:
    return {
        "async": _("the engine's event loop"),
        "thread": _("a thread of its own"),
        "process": _("a worker process"),
    }[task_type.kind.value]


def _runs(figures: Figures, span: str) -> str:
    count = type_figures.runs_of(figures)
    if not count:
        return _("No run has ended in the last week.") if span == "week" else _("No run has ended in the last day.")
    told = ngettext("%(count)s run in the last week", "%(count)s runs in the last week", count)
    if span == "day":
        told = ngettext("%(count)s run in the last day", "%(count)s runs in the last day", count)
    failed = figures.ended[Status.FAILED]
    said = [told % {"count": words.count(count)}]
    if share := type_figures.worked(figures):
        said.append(_("%(share)s worked") % {"share": share})
    said.append(ngettext("%(count)s failed", "%(count)s failed", failed) % {"count": words.count(failed)} if failed else _("none failed"))
    return ", ".join(said)


def _clocks(figures: Figures) -> list[clocks.Clock]:
    taken = figures.took
    if not taken.count:
        return []
    half, most = (min(taken.quantile(share) or 0.0, taken.longest) for share in (0.50, 0.95))
    return [
        clocks.Clock(_("half within"), clocks.standing(half), True),
        clocks.Clock(_("95 % within"), clocks.standing(most)),
    ]


def _took(figures: Figures) -> str:
    taken, waited = figures.took, figures.waited.quantile(0.95)
    shown = [(name, type_figures.took(figures, share)) for name, share in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99))]
    shown.append((_("longest"), words.took(taken.longest)))
    if waited is not None:
        shown.append((_("waited, p95"), words.took(min(waited, figures.waited.longest))))
    drawn = histogram.histogram(taken)
    return rendered("took", figures=tuple(shown), drawn=drawn, size=(histogram.WIDTH, histogram.HEIGHT))


def _gauge(runtime: Runtime, task_type: TaskType) -> str:
    queue = runtime.engine.queues.get(task_type.name)
    found = type_figures.slots(runtime, task_type.name)
    retries = queue.retry_concurrency is not None
    return rendered("gauge", slots=found, name=task_type.name, words=facts.slots_of(queue) if retries else "")


def _back(runtime: Runtime, name: str) -> str:
    declared = runtime.engine.queues.declared(name)
    differs = declared != runtime.engine.queues.get(name).concurrency
    return rendered("back", declared=declared) if differs else ""


def _history(runtime: Runtime, name: str) -> str:
    found = history.ended_runs(runtime.store, name, history.RUNS)
    drawn = history.history(found, name) if found else None
    return rendered("history", history=drawn, width=history.WIDTH)


def _field_row(field: Field) -> FieldRow:
    kinds = {
        "text": _("text"),
        "integer": _("whole number"),
        "number": _("number"),
        "boolean": _("yes or no"),
        "choice": _("one of a few"),
        "secret": _("secret"),
    }
    limits = ", ".join(word for _value, word in field.choices if word) if field.kind == "choice" else field.limits
    return FieldRow(
        name=field.name,
        kind=kinds.get(field.kind, _("JSON")),
        limits=_("masked everywhere") if field.kind == "secret" else limits,
        default="" if field.required or not field.has_default else _default(field),
        description=described(field.description),
        required=field.required,
    )


def _default(field: Field) -> str:
    if field.default is None or field.default == "":
        return _("none")
    if isinstance(field.default, bool):
        return _("yes") if field.default else _("no")
    return facts.plain(field.default)
