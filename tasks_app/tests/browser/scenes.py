"""Every page of the dashboard in each of its states: one table, which a test holds against the table of routes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from playwright.sync_api import Page, expect

Call = Callable[..., dict[str, Any]]
HOSTILE = '<script>alert("1")</script> \u202egnirts\u202c ' + "a-very-long-word" * 10


class Scene(NamedTuple):
    """`route` as in auth/table.py; `path` with names of tasks in braces; `role` looks at it, or nobody; `then` brings it into its state;
    `elsewhere` are parts that are not looked at: those that an open menu covers, and those that are Swagger UI's own; `language`
    is the reader's."""

    name: str
    route: str
    path: str
    role: str = "admin"
    then: Callable[[Page], object] = lambda page: None
    elsewhere: tuple[str, ...] = ()
    language: str = "en"


def press(key: str) -> Callable[[Page], object]:
    """A key of the keyboard, with nothing of the page in focus."""
    return lambda page: page.keyboard.press(key)


def menu_open(page: Page) -> None:
    """The menu of the first row is open."""
    page.locator("tbody .menu summary").first.click()


def ticked(page: Page) -> None:
    """Two rows are selected."""
    for box in page.locator("tbody input.check").all()[:2]:
        box.check()


def searching(page: Page) -> None:
    """A key is typed: its values are offered."""
    page.locator("[name=q]").fill("sta")
    expect(page.locator(".completion [aria-selected=true]")).to_be_visible()


def refused(page: Page) -> None:
    """What was sent in the form is wrong."""
    page.get_by_label("To", exact=True).fill("-5")
    page.get_by_role("button", name="Launch count").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()


def as_json(page: Page) -> None:
    """The form shows its params as JSON."""
    page.get_by_role("button", name="JSON").click()
    expect(page.get_by_label("Params")).to_be_visible()


def reading(page: Page) -> None:
    """A span of a chart is chosen, and its table stands open."""
    page.locator("#throughput summary").click()
    page.locator("#throughput input[type=range]").focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("#throughput [data-picked]")).to_be_visible()


def documented(page: Page) -> None:
    """Swagger UI has drawn what it read."""
    expect(page.locator("main#operations")).to_be_attached()


def signed_in_wrong(page: Page) -> None:
    """Name and password do not belong together."""
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("a guess")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


EMPTY = Scene("tasks-empty", "", "/")
SCENES = [
    Scene("tasks", "", "/"),
    Scene("tasks-russian", "", "/", language="ru"),
    Scene("tasks-reader", "", "/", role="viewer"),
    Scene("tasks-menu", "", "/", then=menu_open, elsewhere=("tbody tr:nth-child(-n+5) td:last-child > .row-actions > :not([open])",)),
    Scene("tasks-selected", "", "/", then=ticked),
    Scene("tasks-searching", "", "/", then=searching),
    Scene("tasks-no-match", "", "/?status=failed&q=nothing-is-called-this"),
    Scene("tasks-wrong", "", "/?q=colour:red"),
    Scene("tasks-filtered", "", "/?q=type:count+-tag:x&status=cancelled&status=processing"),
    Scene("keys", "", "/", then=press("?")),
    Scene("choose", "launch", "/launch"),
    Scene("launch-json", "launch/<str:type_name>", "/launch/count", then=as_json),
    Scene("launch-wrong", "launch/<str:type_name>", "/launch/count?as=form", then=refused),
    *(
        Scene(f"launch-{name}", "launch/<str:type_name>", f"/launch/{name}?as=form")
        for name in ("ping", "http_check", "dns_lookup", "download", "long_computation", "primes", "two_step_report")
    ),
    Scene("rerun", "launch/<str:type_name>", "/launch/count?from={cancelled}"),
    *(
        Scene(f"task-{name}", "tasks/<uuid:task_id>", f"/tasks/{{{name}}}")
        for name in ("running", "failed", "completed", "cancelled", "scheduled", "waiting", "retrying", "stopping")
    ),
    Scene("task-reader", "tasks/<uuid:task_id>", "/tasks/{running}", role="viewer"),
    Scene("task-missing", "tasks/<uuid:task_id>", f"/tasks/{uuid.UUID(int=0)}"),
    Scene("types", "types", "/types"),
    Scene("types-reader", "types", "/types", role="viewer"),
    *(Scene(f"type-{name}", "types/<str:name>", f"/types/{name}") for name in ("count", "failing", "measured")),
    Scene("type-missing", "types/<str:name>", "/types/nothing"),
    Scene("compare", "compare", "/compare?a={failed}&b={completed}"),
    Scene("compare-nothing", "compare", "/compare"),
    Scene("activity", "activity", "/activity"),
    Scene("activity-reader", "activity", "/activity", role="viewer"),
    Scene("schedules", "schedules", "/schedules"),
    Scene("schedules-reader", "schedules", "/schedules", role="viewer"),
    Scene("schedule-choose", "schedules/new", "/schedules/new"),
    Scene("schedule-new", "schedules/new/<str:type_name>", "/schedules/new/ping"),
    Scene("schedule", "schedules/<uuid:schedule_id>", "/schedules/{schedule}"),
    Scene("schedule-edit", "schedules/<uuid:schedule_id>/edit", "/schedules/{schedule}/edit"),
    Scene("bulk-preview", "bulk", "/bulk?all=1&action=delete"),
    Scene("bulk", "bulk/<uuid:task_id>", "/bulk/{bulk}"),
    Scene("keys-page", "keys", "/keys"),
    Scene("sessions", "sessions", "/sessions"),
    Scene("settings", "settings", "/settings"),
    Scene("pulse", "pulse", "/pulse", then=reading),
    Scene("pulse-reader", "pulse", "/pulse?span=day&by=status&hide=failed", role="viewer"),
    Scene("docs", "api/v2/docs", "/api/v2/docs", then=documented, elsewhere=("#swagger-ui",)),
    Scene("nowhere", "", "/nowhere"),
    Scene("forbidden", "settings", "/settings", role="viewer"),
    Scene("login", "login", "/login", role=""),
    Scene("login-wrong", "login", "/login", role="", then=signed_in_wrong),
]
NO_PAGES = {  # routes that answer GET with something else
    "tasks/<uuid:task_id>/log.txt": "a file",
    "activity.csv": "a file",
    "views/counts": "how many tasks views have, for scripts",
    "search/completion": "what the search box offers",
    "watched": "how watched tasks stand, for scripts",
    "workers": "those of a Celery cluster, which the server that is looked at here has not: see test_beyond.py",
    "workers/<str:name>": "the same",
}


def tasks_in_every_state(call: Call, *tags: str) -> dict[str, str]:
    """Launches one in each state, and returns their ids by name. `call` asks the API."""

    def one(type: str, **more: Any) -> str:
        return str(call("POST", "/tasks", {"type": type, **more, "tags": [*more.get("tags", ()), *tags]})["id"])

    long = {"to": 1000, "interval": 1}
    made = {
        "running": one("count", params=long, name=HOSTILE, tags=["nightly", "x" * 32]),
        "failed": one("failing", params={"words": HOSTILE}, webhook={"url": "http://127.0.0.1:9/nobody", "secret": f"whsec_{8 * 'b3du'}"}),
        "completed": one("measured", params={"words": HOSTILE}),
        "cancelled": one("count", params=long, name="To be cancelled"),
        "scheduled": one("count", run_at=(datetime.now(UTC) + timedelta(hours=3)).isoformat()),
        "retrying": one("wavering"),
        "stopping": one("stubborn"),
    }
    call("PATCH", "/queues/primes", {"paused": True})
    made["waiting"] = one("primes", params={"limit": 1000})
    call("POST", f"/tasks/{made['cancelled']}/cancel")
    call("POST", f"/tasks/{made['stopping']}/cancel")
    return made


def everything(call: Call) -> dict[str, str]:
    """The same, with a schedule that is due at night and one that is paused, and an action on several tasks."""
    made = tasks_in_every_state(call)
    nightly = {"cron": "0 3 * * *", "timezone": "Europe/Moscow", "task": {"type": "count", "params": {"to": 5}, "name": HOSTILE}}
    made["schedule"] = str(call("POST", "/schedules", nightly)["id"])
    paused = call("POST", "/schedules", nightly)
    call("POST", f"/schedules/{paused['id']}/pause")
    cancelled = call("POST", "/tasks", {"type": "count", "params": {"to": 1000, "interval": 1}, "name": "Cancelled, then retried"})
    call("POST", f"/tasks/{cancelled['id']}/cancel")
    several = [made["running"], made["scheduled"], cancelled["id"]]  # one of them can go again; the cancelled one of before stays as it is
    made["bulk"] = str(call("POST", "/actions", {"action": "retry", "ids": several})["id"])
    return made
