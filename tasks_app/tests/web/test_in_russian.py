"""Every page as a Russian reader gets it: nothing of what we say on it is English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import cycle

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation
from msgspec.json import encode
from msgspec.structs import replace

from tasks_app import runtime
from tasks_app.auth.audit import Audit, audit
from tasks_app.auth.principal import Principal, Role, Via
from tasks_app.auth.table import _PAGES
from tasks_app.engine.grammar import KEYS
from tasks_app.engine.schedule import parse_schedule
from tasks_app.engine.task import Status, Task, TaskError
from tasks_app.presenters.activity_words import _ASKED, _SAID, _WHY
from tasks_app.presenters.origins import _DIALECTS
from tasks_app.runtime import Runtime
from tasks_app.tests.presenters.pages import UUID, lives, still
from tasks_app.tests.web.conftest import Browser

RUSSIAN = {"accept-language": "ru"}
NAMES = frozenset(  # the same in every language: of products, formats, keys, headers, programs
    {
        *("IoTask", "API", "UTC", "JSON", "CSV", "URL", "ID", "HTTP", "TCP", "TLS", "DNS", "SHA", "PTR", "IP", "IANA", "Kafka", "Schema"),
        *("Retry", "After", "Bearer", "Authorization", "English", "Enter", "Esc", "Escape", "Shift", "Tab", "cron", "app", "log", "audit"),
        *(
            "localhost",
            "org",
            "com",
            "net",
            "true",
            "false",
            "null",
            "Europe",
            "Moscow",
            "Berlin",
            "any",
            "public",
            "ping",
            "Celery",
            "local",
        ),
        *("debug", "info", "warning", "error", "GET", "POST", "PUT", "PATCH", "DELETE"),
    }
)
GIVEN = frozenset(  # by this test, and words of the API
    {
        *("red", "soon", "open", "nothing", "nonsense", "hello", "testserver", "sent", "received", "deleted", "colour"),
        *("cancel", "retry", "delete"),
    }
)
SILENT = frozenset({"script", "style", "code", "pre", "kbd", "option", "textarea"})
SPOKEN = frozenset({"aria-label", "title", "placeholder", "alt", "aria-description", "aria-roledescription", "aria-valuetext"})
WORD = re.compile(r"[A-Za-z]{2,}")
IDENTIFIER = re.compile(
    r"{\w*}|https?://\S+|/[\w./{}…*-]+|\b\w+\.(?:py|log|json|md|txt|example)\b|\b[A-Z][A-Z_]+\b|\b\w*_\w+\b|--[\w-]+|[\w-]+:\S*|#[\w-]+|\b[0-9a-f]{8}-[0-9a-f-]+"
)
CODES = frozenset({"data-can", "data-page"})  # attributes that only scripts read


class Shown(HTMLParser):
    """What a reader sees and hears of a page, and the words that scripts say."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self._silent.append(tag)
        for name, value in attrs:
            if value and name not in CODES and (name in SPOKEN or (name.startswith("data-") and " " in value.strip() and "=" not in value)):
                self.found.append(value)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


def english(html: str, allowed: frozenset[str]) -> list[str]:
    """Texts of a page with words that are not Russian, and no names either."""
    reader = Shown()
    reader.feed(html)
    reader.close()
    shown = ((text.strip(), IDENTIFIER.sub(" ", text)) for text in reader.found)
    return [text for text, rest in shown if any(word.lower() not in allowed for word in WORD.findall(rest))]


def allowed(now: Runtime) -> frozenset[str]:
    """Names: of types and their fields, of keys of the search box and of statuses, which are words of the API."""
    known = {word for kind in now.registry for word in re.split("_", kind.name)}
    known |= {word.lower() for field in now.registry.fields for word in field.split("_")} | set(KEYS) | {status.value for status in Status}
    known |= {word for name in _DIALECTS.values() for word in name.split()} | {word for name in _DIALECTS for word in name.split("_")}
    return frozenset(word.lower() for word in known | NAMES | GIVEN)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The runtime the pages look at, with a task in each state; nothing runs in it."""
    monkeypatch.setattr(audit, "_last", deeds()._last)
    with still() as made:
        monkeypatch.setattr(runtime, "get", lambda: made)
        made.store.add([a_life(number, life) for number, life in enumerate(lives(), 1)])
        made.store.add([a_bulk_delete(BULK)])
        for number, cron in enumerate(CRONS, 1):
            made.schedules.add(parse_schedule({"cron": cron, "task": {"type": "count", "name": "Ночью"}}), schedule_id=UUID.format(number))
        yield made


def deeds() -> Audit:
    """One deed of each kind, and one refusal for each reason."""
    made, mira, task = Audit(), Principal("мира", Role.OPERATOR, Via.PASSWORD), UUID.format(1)
    for deed in _SAID:
        made.effect(mira, "10.0.0.7", deed, task, "dashboard")
    for deed, why in zip(cycle(_ASKED), _WHY, strict=False):
        made.refusal(mira, "10.0.0.7", deed, task, why, "dashboard")
    return made


def a_bulk_delete(number: int) -> Task:
    """One that has ended, with all that can be left out by it."""
    why = {"gone": 1, "changed": 1, **{status.value: 1 for status in Status}, "waiting_full": 1, "share_full": 1, "draining": 1}
    result = {"matched": 20, "done": 3, "skipped": sum(why.values()) - 3, "failed": 3, "why": why, "left_out": []}
    return replace(
        lives()["completed"](),
        id=UUID.format(number),
        number=number,
        type="bulk_action",
        name="",
        by="мира",
        via="dashboard",
        params=b'{"action":"delete","ids":null,"filter":{"status":["failed"],"type":[],"tag":[],"q":""}}',
        tags=(),
        result=encode(result),
    )


def a_life(number: int, life: str) -> Task:
    """A task in this state, whose own texts are Russian; what the engine and the types wrote into it is theirs."""
    task = lives()[life]()
    params = b'{"address":"10.0.0.7","port":443,"count":200,"interval":1.0,"timeout":2.0,"fail_if_unreachable":true}'
    error = TaskError("Unreachable", "10.0.0.7:443 answered none of 200 probes: connection refused")
    progress = replace(task.progress, said="Probe 1,430 of 2,000: 12.4 ms") if task.progress and task.progress.message else task.progress
    cancel = replace(task.cancel, by="мира", reason="хватит" if task.cancel.reason else "") if task.cancel else None
    attempts = tuple(replace(one, error=error) if one.error else one for one in task.attempts)
    return replace(
        task,
        id=UUID.format(number),
        number=number,
        type="ping",
        name="Шлюз",
        params=params,
        progress=progress,
        cancel=cancel,
        attempts=attempts,
        error=error if task.error else None,
        by="мира",
        via="dashboard",
        result=b'{"sent":200,"received":198,"avg_ms":12.4,"jitter_ms":0.9,"max_ms":21.4}' if task.status is Status.COMPLETED else None,
    )


BULK = 500
CRONS = (  # one of each shape that is said in words of its own
    *("* * * * *", "*/5 * * * *", "0 * * * *", "30 */2 * * *", "0 3 * * *", "30 6 * * MON-FRI", "0 9 * * SAT,SUN", "15 8 * * MON"),
    *("0 0 1 * *", "0 0 L * *", "0 4 24 12 *", "*/10 8-18 * * MON-FRI", "5 4 1,15 * *", "*/15 * * * * *", "7 3 * 2 TUE"),
)
PATHS = {  # of a route, those that show what it can look like
    "": ("/", "/?status=failed", "/?q=нет+такого", "/?q=colour:red", "/?q=created:%3Esoon", '/?q="open', "/?q=type:count&status=scheduled"),
    "sessions": ("/sessions",),
    "settings": ("/settings",),
    "launch": ("/launch",),
    "launch/<str:type_name>": (
        *(f"/launch/{name}" for name in ("ping", "http_check", "dns_lookup", "download", "count", "primes", "message", "double")),
        *("/launch/long_computation", "/launch/two_step_report", "/launch/count?as=json", "/launch/nothing"),
        f"/launch/ping?from={UUID.format(1)}",
    ),
    "tasks/<uuid:task_id>": tuple(f"/tasks/{UUID.format(number)}" for number in (*range(1, len(lives()) + 1), 999)),
    "types": ("/types",),
    "types/<str:name>": ("/types/ping", "/types/ping?span=week", "/types/bulk_action", "/types/nothing"),
    "pulse": ("/pulse", "/pulse?span=day", "/pulse?by=status"),
    "compare": (f"/compare?a={UUID.format(16)}&b={UUID.format(17)}", f"/compare?a={UUID.format(1)}&b={UUID.format(999)}", "/compare"),
    "schedules": ("/schedules", "/schedules?q=нет"),
    "activity": ("/activity", "/activity?what=refused", "/activity?from=nonsense"),
    "bulk": ("/bulk?action=cancel", "/bulk?action=delete&status=failed", "/bulk?action=retry&q=нет", "/bulk?action=nonsense"),
    "bulk/<uuid:task_id>": (f"/bulk/{UUID.format(BULK)}", f"/bulk/{UUID.format(999)}"),
    "schedules/new": ("/schedules/new",),
    "schedules/new/<str:type_name>": ("/schedules/new/ping", "/schedules/new/nothing"),
    "schedules/<uuid:schedule_id>": tuple(f"/schedules/{UUID.format(number)}" for number in (1, 6, 999)),
    "schedules/<uuid:schedule_id>/edit": (f"/schedules/{UUID.format(6)}/edit", f"/schedules/{UUID.format(999)}/edit"),
    "search/completion": ("/search/completion?q=ty&at=2", "/search/completion?q=created:&at=8", "/search/completion?q=status:f&at=8"),
    "keys": ("/keys",),
    "workers": ("/workers",),
    "workers/<str:name>": ("/workers/nothing",),
}
NO_PAGES = {  # routes that answer GET with something else, or that the paths above cannot know
    "tasks/<uuid:task_id>/log.txt": "a file, which is the record as it is",
    "login": "leads away where nobody logs in; below",
    "activity.csv": "a file, whose columns are named as in the API",
    "watched": "tells scripts how tasks ended",
    "views/counts": "tells scripts numbers",
}


@pytest.mark.parametrize("path", [path for paths in PATHS.values() for path in paths])
async def test_a_page_says_nothing_in_english(now: Runtime, path: str) -> None:
    await Browser().get(path, headers={"accept-language": "en"})  # what is remembered of an English page is no help to a Russian one
    answer = await Browser().get(path, headers=RUSSIAN)
    html = answer.content.decode()
    assert '<html lang="ru">' in html or path.startswith("/search/")
    assert english(html, allowed(now)) == []


@pytest.mark.parametrize("path", ["/", "/pulse", "/types/ping", f"/tasks/{UUID.format(17)}", "/settings"])
async def test_numbers_that_programs_read_are_written_their_way(now: Runtime, path: str) -> None:
    """A decimal comma in an attribute of SVG, of a meter or of an input would be no number."""
    html = (await Browser().get(path, headers=RUSSIAN)).content.decode()
    moments = "data-since|data-until|data-at|data-ago|data-now|data-count"
    numeric = rf'\b(?:x|y|x1|x2|y1|y2|cx|cy|r|width|height|value|min|max|high|low|optimum|step|{moments})="([^"]*)"'
    assert [found for found in re.findall(numeric, html) if re.fullmatch(r"-?[\d\s\u00a0\u202f]*,\d+|\d+[\u00a0\u202f]\d+", found)] == []
    assert not re.search(r'\bd="[^"]*\d,\d{1,2}(?: |")', html)


def test_every_page_there_is_is_walked() -> None:
    pages = {route for route, methods in _PAGES.items() if "GET" in methods}
    assert sorted(pages - PATHS.keys() - NO_PAGES.keys()) == []


def test_english_is_found() -> None:
    page = '<p>Ничего</p><p>Nothing here</p><a title="More">ping</a><code>GET it</code><b data-words="just now">1</b><p>/tasks/x A_B</p>'
    assert english(page, frozenset({"ping"})) == ["Nothing here", "More", "just now"]


@pytest.mark.parametrize("template", ["login.html", "400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
@pytest.mark.parametrize("values", [{"by_password": True, "wrong": "Нет."}, {"by_password": False}])
def test_a_page_without_the_rail_says_nothing_in_english(now: Runtime, template: str, values: dict[str, object]) -> None:
    with translation.override("ru"):
        html = render_to_string(template, values, RequestFactory().get("/"))
    assert '<html lang="ru">' in html
    assert english(html, frozenset(name.lower() for name in NAMES)) == []
