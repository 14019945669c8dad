"""The form of a schedule: when it runs, what becomes of missed runs, what it launches; and its next runs before it is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import islice
from typing import Any
from zoneinfo import available_timezones

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine import cron
from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.registry import TaskType
from tasks_app.engine.schedule import Missed, Schedule
from tasks_app.presenters import launch_form, times
from tasks_app.presenters.cron_words import in_words
from tasks_app.presenters.fields import Field
from tasks_app.presenters.launch_form import Form, Input
from tasks_app.presenters.moments import full

NEXT = 5
WHEN = ("name", "cron", "timezone")
FIRST = "0 3 * * *"
EXAMPLES = ("*/15 * * * *", "0 * * * *", "0 3 * * *", "0 9 * * 1-5", "0 3 * * 1", "0 5 1 * *", "0 0 L * *")
_SHAPES = {"hourly": "{minute} * * * *", "daily": "{minute} {hour} * * *", "workdays": "{minute} {hour} * * 1-5"}
_SHAPES |= {"weekly": "{minute} {hour} * * 1", "monthly": "{minute} {hour} 1 * *"}
_OF_THE_SCHEDULE = ("start", "name")
Problems = Iterable[tuple[str, str]]


class Choice(Struct, frozen=True):
    """What may become of missed runs, and whether that is chosen."""

    value: str
    word: str
    text: str
    chosen: bool


class Coming(Struct, frozen=True):
    """A run to come: when, in the schedule's zone, and in how long."""

    said: str
    left: SafeString


class Preview(Struct, frozen=True, kw_only=True):
    """The next runs of an expression in a zone; or why there are none."""

    words: str = ""
    cron: str = ""
    zone: str = ""
    times: tuple[Coming, ...] = ()
    why: str = ""


class ScheduleForm(Struct, frozen=True, kw_only=True):
    """All of it. `form` has params and options."""

    form: Form
    when: list[Input]
    missed: list[Choice]
    preview: Preview


def schedule_form(
    task_type: TaskType, given: Mapping[str, str], problems: Problems, now: float, *, fresh: bool, kept: bool
) -> ScheduleForm:
    """The form with these values. `fresh`: nobody has said anything yet; `kept`: its secrets stay as they are where they are left empty."""
    named = [(name.removeprefix("task."), text) for name, text in problems]
    wrong = {name: text for name, text in named if name in WHEN}
    rest = [(name, text) for name, text in named if name not in wrong]
    form = launch_form.form(task_type, given, rest, as_json=False, hidden={})
    options = {name: option for name, option in form.options.items() if name not in _OF_THE_SCHEDULE}
    inputs = [_keeping(one) if kept and one.field.kind == "secret" else one for one in form.inputs]
    summary = launch_form.to_mend(len(wrong) + len(set(rest)))
    return ScheduleForm(
        form=replace(form, options=options, inputs=inputs, summary=summary),
        when=[Input(name=one.name, value=given.get(one.name, ""), problem=wrong.get(one.name, ""), field=one) for one in _fields(fresh)],
        missed=_choices(given.get("missed", Missed.ONCE)),
        preview=preview(given.get("cron", ""), given.get("timezone", ""), now),
    )


def preview(expression: str, timezone: str, now: float, most: int = NEXT) -> Preview:
    """The next runs."""
    try:
        text, zone = cron.checked(expression), str(cron.zone(timezone))
        found = tuple(islice(cron.times(text, zone, now), most))
    except InvalidValue as error:
        wrong = _("The cron line is no such line yet.") if error.field == "cron" else _("The time zone is not known.")
        return Preview(why=wrong if expression else _("Its next runs will stand here."))
    if not found:
        return Preview(why=_("No such time comes within 50 years."))
    coming = tuple(Coming(full(at, zone, now), times.until(at, _("in {}"))) for at in found)
    return Preview(words=in_words(text) or _("by the cron line"), cron=text, zone=zone, times=coming)


def given_of(found: Schedule, params: Mapping[str, str]) -> dict[str, str]:
    """A schedule as form strings; `params` are those of its task."""
    options = {"tags": " ".join(found.tags), "priority": str(found.priority or "")}
    options["timeout"] = "" if found.timeout is None else f"{found.timeout:g}"
    options["max_attempts"] = "" if found.max_attempts is None else str(found.max_attempts)
    options["webhook"] = found.webhook.url if found.webhook else ""
    return {"name": found.name, "cron": found.cron, "timezone": found.timezone, "missed": found.missed.value, **options, **params}


def expression_of(shape: str, at: str) -> str:
    """The expression of a shape such as `daily` and a time of day such as `03:00`; every day at three where they are none."""
    hour, _colon, minute = at.partition(":")
    known = shape in _SHAPES and (hour + minute).isascii() and (hour + minute).isdecimal() and int(hour) < 24 and int(minute or 0) < 60
    return _SHAPES[shape].format(hour=int(hour), minute=int(minute or 0)) if known else FIRST


def repeats() -> list[tuple[str, str]]:
    """The shapes there are words for."""
    return [
        ("hourly", _("Every hour")),
        ("daily", _("Every day")),
        ("workdays", _("Monday to Friday")),
        ("weekly", _("Every Monday")),
        ("monthly", _("On the 1st of the month")),
        ("cron", _("A cron line")),
    ]


def examples() -> list[tuple[str, str]]:
    """Expressions to choose from, in words."""
    return [(one, in_words(one)) for one in EXAMPLES]


@cache
def zones() -> tuple[str, ...]:
    """All time zones that are known here."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def _fields(fresh: bool) -> list[Field]:
    cron_hint = _("minute, hour, day, month, weekday; seconds first if there are six")
    marked: dict[str, str] = {"data-fresh": ""} if fresh else {}
    line: dict[str, Any] = {"required": "", "maxlength": str(cron.MAX_LENGTH), "list": "repeats", "spellcheck": "false", "class": "mono"}
    return [
        Field(name="name", label=_("Name"), kind="text", description=_("What its tasks are called as well."), attrs={"maxlength": "200"}),
        Field(name="cron", label=_("Repeat"), kind="text", description=_("A cron line."), hint=cron_hint, attrs=line),
        Field(
            name="timezone",
            label=_("Time zone"),
            kind="text",
            description=_("The line is read in it, clock changes and all."),
            attrs={"required": "", "maxlength": "64", "list": "zones", "spellcheck": "false", **marked},
        ),
    ]


def _keeping(one: Input) -> Input:
    attrs = {name: value for name, value in one.field.attrs.items() if name != "required"}
    return replace(one, field=replace(one.field, attrs=attrs, hint=_("Left empty, the secret stays as it is.")))


def missed_word(missed: Missed) -> str:
    """What becomes of a missed run: `Run once`."""
    return next(one.word for one in _choices(missed.value) if one.chosen)


def _choices(chosen: str) -> list[Choice]:
    known = (
        (Missed.SKIP, _("Leave it out"), _("Wait for the next time.")),
        (Missed.ONCE, _("Run once"), _("However many were missed, one run.")),
        (Missed.EACH, _("Run each"), _("One run for every missed time, the newest hundred.")),
    )
    return [Choice(value.value, word, text, value.value == chosen) for value, word, text in known]
