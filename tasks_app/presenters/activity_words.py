"""What an entry of the audit says to people: a sentence with links, why it was refused, who it was, and by which way it came."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from tasks_app.auth.entries import DONE, Entry
from tasks_app.engine.bulk import NAME as BULK
from tasks_app.engine.errors import NotFound
from tasks_app.engine.schedule import Schedule
from tasks_app.engine.task import Task
from tasks_app.presenters import words
from tasks_app.presenters.activity_filter import BUT_SCHEDULES
from tasks_app.presenters.labels import cut, summary
from tasks_app.presenters.origins import door
from tasks_app.presenters.sentences import translated
from tasks_app.presenters.states import state
from tasks_app.runtime import Runtime

Text = str | Promise
_MANY = re.compile(r"(\d{1,9}), from ([0-9a-f-]{36}) on")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SAID: Mapping[str, Text] = {
    "launch": lazy("Launched {object}"),
    "rerun": lazy("Launched again: {object}"),
    "start": lazy("Started before its time: {object}"),
    "cancel": lazy("Cancelled {object}"),
    "retry": lazy("Retried {object}"),
    "redeliver": lazy("Sent a webhook again: {object}"),
    "delete": lazy("Deleted {object}"),
    "restore": lazy("Took back a deletion: {object}"),
    "bulk": lazy("Acted on many: {object}"),
    "make schedule": lazy("Added the schedule {object}"),
    "change schedule": lazy("Changed the schedule {object}"),
    "pause schedule": lazy("Paused the schedule {object}"),
    "resume schedule": lazy("Resumed the schedule {object}"),
    "delete schedule": lazy("Deleted the schedule {object}"),
    "restore schedule": lazy("Put back the schedule {object}"),
    "limit": lazy("Set slots or pause of {object}"),
    "pause type": lazy("Paused {object}"),
    "resume type": lazy("Resumed {object}"),
    "set slots": lazy("Set the slots of {object}"),
    "tell worker": lazy("Told a Celery worker: {object}"),
    "login": lazy("Signed in"),
    "logout": lazy("Signed out"),
    "end session": lazy("Ended the session {object}"),
}
_ASKED: Mapping[str, Text] = {
    "launch": lazy("launch {object}"),
    "start": lazy("start {object}"),
    "cancel": lazy("cancel {object}"),
    "retry": lazy("retry {object}"),
    "delete": lazy("delete {object}"),
    "restore": lazy("take back a deletion, {object}"),
    "bulk": lazy("act on many, {object}"),
    "schedule": lazy("set up a schedule, {object}"),
    "limit": lazy("set the limits of {object}"),
    "login": lazy("sign in"),
    "socket": lazy("listen to a live page"),
    "dial": lazy("dial {object}"),
    "read": lazy("look at {object}"),
    "prepare": lazy("open the form {object}"),
    "settings": lazy("look at the settings"),
    "sessions": lazy("see everybody’s sessions"),
}
_WHY: Mapping[str, Text] = {
    "role_too_low": lazy("The role {role} does not allow this."),
    "read_only": lazy("The server is read-only."),
    "wrong_password": lazy("The name or the password was wrong."),
    "too_many_tries": lazy("Too many tries to sign in."),
    "too_many_requests": lazy("Too much at once."),
    "too_many_dials": lazy("Dialled one host too often."),
    "bad_token": lazy("The token was wrong."),
    "cross_site": lazy("Another site’s page asked."),
    "csrf": lazy("The page’s token was missing or wrong."),
    "not_in_table": lazy("Nobody has said who may come there."),
}
_KNOWN: Mapping[str, Text] = {"token": lazy("token, {role}"), "proxy": lazy("by the proxy, {role}"), "open": lazy("no login here")}


def said(now: Runtime, entry: Entry) -> SafeString:
    """What was done, or asked for and refused."""
    if entry.outcome != DONE:
        asked = format_html(str(_ASKED.get(entry.action, "{action} {object}")), object=_object(now, entry), action=visible(entry.action))
        return format_html('<b class="refused">{}</b>: {}', _("Refused"), asked)
    return format_html(str(_SAID.get(entry.action, "{action} {object}")), object=_object(now, entry), action=visible(entry.action))


def second(now: Runtime, entry: Entry) -> SafeString | str:
    """What there is to add: the reason of a cancel, what a task does, how a bulk action went."""
    task = now.store.find(_single(entry.object))
    if task is None:
        schedule = _schedule(now, entry.object)
        return f"{schedule.cron}, {schedule.timezone}" if schedule is not None else ""
    if task.type == BULK:
        return state(now, task).how.first or summary(now, task)
    if entry.action == "cancel" and task.cancel is not None and task.cancel.reason:
        return _("“%(said)s”") % {"said": cut(translated(task.cancel.reason), 200)}
    return summary(now, task)


def refusal_words(entry: Entry) -> str:
    """Why, and how often the same was refused beside."""
    known = _WHY.get(entry.outcome)
    why = str(known).format(role=translated(visible(entry.role)) or _("unknown")) if known else visible(entry.outcome)
    if not entry.more:
        return why
    more = ngettext("%(count)s more like it before", "%(count)s more like it before", entry.more) % {"count": words.count(entry.more)}
    return _("%(why)s %(more)s.") % {"why": why, "more": more}


def how_known(entry: Entry) -> str:
    """The role, and how we know: `admin`, `token, operator`."""
    if entry.door == "schedule":
        return _("by itself")
    if not entry.via:
        return _("unknown")
    return str(_KNOWN.get(entry.via, "{role}")).format(role=translated(visible(entry.role)))


def door_words(entry: Entry) -> str:
    """By which way it came."""
    if entry.door == "schedule":
        return _("Schedule")
    if entry.door == "dialect":
        return _("Another service’s API")
    if entry.door == "live":
        return _("Live page")
    return door(visible(entry.door)) if entry.door else ""


def visible(text: str) -> str:
    """A text that somebody sent, with a sign in place of each character that cannot be seen, or turns others around."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


def _object(now: Runtime, entry: Entry) -> SafeString | str:
    many = _MANY.fullmatch(entry.object)
    if many is not None:
        tasks = words.tasks(int(many[1]))
        found = now.store.find(many[2])
        if found is None:
            return format_html("<b>{}</b>", tasks)
        return format_html(_("<b>{tasks}</b>, from {first} on"), tasks=tasks, first=_task(found))
    task = now.store.find(entry.object)
    if task is not None:
        return _task(task)
    schedule = _schedule(now, entry.object)
    if schedule is not None:
        link = '<a href="{}"><b><bdi>{}</bdi></b></a>'
        return format_html(link, reverse("web:schedule", args=[schedule.id]), cut(schedule.title, 80))
    if _ID.fullmatch(entry.object):
        gone = _("one that is gone ({id}…)") if "schedule" in entry.action else _("a task that is gone ({id}…)")
        return gone.format(id=entry.object[:8])
    if entry.action in ("limit", "pause type", "resume type", "set slots") and now.registry.find(entry.object):
        return format_html('<a href="{}"><b>{}</b></a>', reverse("web:type", args=[entry.object]), entry.object)
    return format_html("<bdi>{}</bdi>", cut(visible(entry.object), 120))


def _task(task: Task) -> SafeString:
    named = f"{task.type} {cut(task.name, 80)}".strip()
    number = _("task %(number)s") % {"number": task.number}
    return format_html('<a href="{}"><b>{}</b>, <bdi>{}</bdi></a>', reverse("web:task", args=[task.id]), number, named)


def _schedule(now: Runtime, text: str) -> Schedule | None:
    try:
        return now.schedules.get(text)
    except NotFound:
        return None


def _single(text: str) -> str:
    many = _MANY.fullmatch(text)
    return "" if many is not None and int(many[1]) > 1 else text


def doors() -> list[tuple[str, str]]:
    """All ways there are, in words."""
    names = ("dashboard", "api", "schedule", "iotask", "io_bound", "jobs", "long_tasks", "task_queue")
    return [(BUT_SCHEDULES, _("All but schedules"))] + [(name, _("Schedule") if name == "schedule" else door(name)) for name in names]
