"""Failures that are alike, as a page shows them: how many, what went wrong, when, and how all of them are tried again."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.failures import Group, group_of
from tasks_app.engine.task import Status, Task
from tasks_app.presenters import times, words
from tasks_app.presenters.addresses import task_url
from tasks_app.presenters.filters import linked
from tasks_app.presenters.labels import cut
from tasks_app.presenters.sentences import translated
from tasks_app.runtime import Runtime

MOST = 10
LONGEST = 200  # characters of a message


class FailureGroup(Struct, frozen=True):
    """One group. `said` is the message of all, or what is the same in all of them; `link` leads to its tasks, `retry_url` takes a POST
    that tries all of them again, empty where that cannot be."""

    id: str
    type: str
    count: str
    error: str
    said: str
    when: SafeString
    newest: SafeString
    link: str
    retry_url: str
    retry: str


class FailureGroups(Struct, frozen=True):
    """The largest groups. `more` says what is not among them, empty when all are; `link` leads to all that failed."""

    groups: tuple[FailureGroup, ...]
    total: int
    said: str
    more: str
    link: str


def failure_groups(runtime: Runtime, type: str | None = None, most: int = MOST) -> FailureGroups:
    """The groups of one type, or of all."""
    failures = runtime.engine.stats.failures
    found = failures.groups(type, most)
    total = failures.count(type)
    rest = max(0, total - sum(group.count for group in found))
    pairs = [("status", Status.FAILED.value), *([("type", type)] if type else [])]
    counted = ngettext("%(count)s kept task has failed", "%(count)s kept tasks have failed", total) % {"count": words.count(total)}
    more = ngettext("%(count)s more failed in other ways.", "%(count)s more failed in other ways.", rest) % {"count": words.count(rest)}
    return FailureGroups(
        groups=tuple(_shown(runtime, group) for group in found),
        total=total,
        said=counted if total else _("none"),
        more=more if rest else "",
        link=linked(pairs),
    )


def alike(runtime: Runtime, task: Task) -> FailureGroup | None:
    """The group of a failed task; None where it is the only one in it, or has none."""
    wanted = group_of(task)
    found = runtime.engine.stats.failures.groups(task.type) if wanted else []
    return next((_shown(runtime, group) for group in found if group.id == wanted and group.count > 1), None)


def group_link(group: Group) -> str:
    """The list of a group's tasks."""
    return linked([("status", Status.FAILED.value), ("type", group.type), ("q", f"failure:{group.id}")])


def _shown(runtime: Runtime, group: Group) -> FailureGroup:
    return FailureGroup(
        id=group.id,
        type=group.type,
        count=words.count(group.count),
        error=cut(translated(group.error), LONGEST),
        said=cut(translated(group.message if group.alike else group.shape), LONGEST) or _("no message"),
        when=times.past(group.last, _("last {}") if group.count > 1 else "{}"),
        newest=_examples(runtime, group),
        link=group_link(group),
        retry_url=reverse("web:retry-failures", args=[group.type, group.id]) if runtime.registry.find(group.type) else "",
        retry=ngettext("Retry %(count)s", "Retry %(count)s", group.count) % {"count": words.count(group.count)},
    )


def _examples(runtime: Runtime, group: Group) -> SafeString:
    links = format_html_join(
        ", ", '<a class="link" href="{}">{}</a>', ((task_url(task), task.number) for task in runtime.store.many(group.examples))
    )
    return format_html(ngettext("task {}", "tasks {}", min(group.count, len(group.examples))), links)
