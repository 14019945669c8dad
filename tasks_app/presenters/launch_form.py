"""The launch form as a template needs it: each input with its value, its hint and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.registry import TaskType
from tasks_app.presenters import words
from tasks_app.presenters.fields import Field, fields
from tasks_app.presenters.rerun import Rerun
from tasks_app.runtime import Runtime

PARAMS = "params."
OPTIONS = ("name", "tags", "priority", "timeout", "max_attempts", "start", "webhook")
_ELSEWHERE = {"run_at": "start"}
Problems = Iterable[tuple[str, str]]


class Input(Struct, frozen=True, kw_only=True):
    """An input. `id` names it in the page, `name` in the form."""

    name: str
    value: str = ""
    problem: str = ""
    field: Field
    copied: bool = True
    was: str = ""  # in the run the form was filled from, where that was another value

    @property
    def id(self) -> str:
        """An id without dots, so that a style sheet can name it."""
        return self.name.replace(".", "-")

    @property
    def attrs(self) -> SafeString:
        """Attributes of the input."""
        return format_html_join("", ' {}="{}"', self.field.attrs.items())


class Form(Struct, frozen=True, kw_only=True):
    """The whole form. `problems` are those that belong to no input."""

    type: TaskType
    inputs: list[Input]
    options: dict[str, Input]
    problems: list[str]
    as_json: bool
    params: str
    params_problems: list[str]
    hidden: dict[str, str]
    summary: str
    rerun: Rerun | None = None

    @property
    def options_open(self) -> bool:
        """Whether something in the options asks to be seen."""
        return any(option.value or option.problem for option in self.options.values())


def form(
    task_type: TaskType,
    given: Mapping[str, str],
    problems: Problems = (),
    *,
    as_json: bool,
    hidden: Mapping[str, str],
    masked: bool = False,
    rerun: Rerun | None = None,
) -> Form:
    """The form of a task type with these values; `masked`: it is filled from a task whose secrets cannot be copied. `rerun` is what it
    changes of that task."""
    known = fields(task_type.schema())
    wrong, rest = sorted_out(problems, [] if as_json else known)
    in_params = [(name, text) for name, text in rest if as_json and name.startswith("params")]
    return Form(
        type=task_type,
        inputs=[_input(PARAMS + f.name, f, given, wrong, rerun, copied=not (masked and f.kind == "secret")) for f in known],
        options={f.name: _input(f.name, f, given, wrong, rerun) for f in _options(task_type)},
        problems=[_named(name, text) for name, text in rest if (name, text) not in in_params],
        as_json=as_json,
        params=given.get("params", ""),
        params_problems=[_named(name.removeprefix("params").removeprefix("."), text) for name, text in in_params],
        hidden=dict(hidden),
        summary=to_mend(len(wrong) + len(rest)),
        rerun=rerun,
    )


def named_fields(task_type: TaskType) -> list[tuple[str, Field]]:
    """The fields that a rerun takes over, by the names of their inputs: the params, and the options but the start."""
    params = [(PARAMS + field.name, field) for field in fields(task_type.schema())]
    return params + [(field.name, field) for field in _options(task_type) if field.name != "start"]


def sorted_out(problems: Problems, known: Sequence[Field]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Problems by the input they belong to, and those that belong to none."""
    names = {*OPTIONS, *(PARAMS + field.name for field in known)}
    wrong: dict[str, str] = {}
    rest: list[tuple[str, str]] = []
    for path, text in dict.fromkeys(problems):
        name, inner = _owner(path, names)
        if name is None:
            rest.append((path, text))
        else:
            wrong[name] = " ".join(filter(None, (wrong.get(name), _named(inner, text))))
    return wrong, rest


def _named(name: str, text: str) -> str:
    return f"{name}: {text}" if name else text


def _owner(path: str, names: set[str]) -> tuple[str | None, str]:
    parts = _ELSEWHERE.get(path, path).split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in names:
            return name, ".".join(parts[length:])
    return None, ""


def _input(
    name: str, field: Field, given: Mapping[str, str], wrong: Mapping[str, str], rerun: Rerun | None = None, *, copied: bool = True
) -> Input:
    value = "" if field.kind == "secret" else given.get(name, "")
    was = rerun.was(name) if rerun else ""
    return Input(name=name, value=value, problem=wrong.get(name, ""), field=field, copied=copied, was=was)


@cache
def _limits() -> tuple[int, int, int, float]:
    """Bounds of priority and attempts, and the longest time limit, as the launch model has them."""
    known = {field.name: field for field in fields(LaunchRequest.model_json_schema())}
    low, high = (int(known["priority"].attrs[name]) for name in ("min", "max"))
    return low, high, int(known["max_attempts"].attrs["max"]), float(known["timeout"].attrs["max"])


def _options(task_type: TaskType) -> list[Field]:
    limit = _("none") if task_type.timeout is None else words.duration(task_type.timeout)
    low, high, most, longest = _limits()
    return [
        Field(name="name", label=_("Name"), kind="text", attrs={"maxlength": "200"}),
        Field(name="tags", label=_("Tags"), kind="text", attrs={"placeholder": _("set apart by spaces")}),
        Field(name="priority", label=_("Priority"), kind="integer", attrs=_whole(low, high) | {"placeholder": "0"}),
        Field(
            name="max_attempts", label=_("Attempts"), kind="integer", attrs=_whole(1, most) | {"placeholder": str(task_type.max_attempts)}
        ),
        Field(name="timeout", label=_("Time limit, s"), kind="number", attrs=_seconds(longest) | {"placeholder": limit}),
        Field(name="start", label=_("Start"), kind="text", attrs={"type": "datetime-local", "step": "1"}),
        Field(
            name="webhook",
            label=_("Webhook, told when it ends"),
            kind="text",
            attrs={"type": "url", "maxlength": "2048", "placeholder": "https://"},
        ),
    ]


def _whole(low: int, high: int) -> dict[str, str]:
    return {"type": "number", "step": "1", "min": str(low), "max": str(high)}


def _seconds(most: float) -> dict[str, str]:
    return {"type": "number", "step": "any", "min": "0", "max": f"{most:.15g}"}


def to_mend(count: int) -> str:
    """How many things are wrong, as a sentence; empty for none."""
    return {0: "", 1: _("One thing to mend.")}.get(count, _("%(count)s things to mend.") % {"count": count})


def expected(runtime: Runtime, task_type: TaskType) -> str:
    """How long it will take, from what it took before; empty before the first."""
    typical = runtime.engine.stats.typical(task_type.name)
    return "" if typical is None else _("A typical run takes %(time)s.") % {"time": words.took(typical)}


def slots_words(runtime: Runtime, task_type: TaskType) -> str:
    """How busy its slots are; empty where only the overall limit counts."""
    queue = runtime.engine.queues.get(task_type.name)
    if queue.paused:
        return _("paused")
    if queue.concurrency is None:
        return _("%(busy)s running") % {"busy": words.count(queue.running)}
    return _("%(busy)s of %(all)s slots busy") % {"busy": words.count(queue.running), "all": words.count(queue.concurrency)}


def unmasked(value: Any) -> Any:
    """Params without what stands masked in them, at any depth."""
    if isinstance(value, dict):
        return {name: unmasked(inner) for name, inner in value.items() if inner != MASK}
    if isinstance(value, list):
        return [unmasked(inner) for inner in value if inner != MASK]
    return value


MASK = "**********"  # how pydantic shows a secret
