"""The page of activity, its API and its sockets: each sees what is for his eyes, and no name is anything but text."""

from __future__ import annotations

import csv
import io
import json
from html import escape
from typing import Any
from urllib.parse import quote

import pytest

from tasks_app.auth.access import Access
from tasks_app.auth.allow import Action
from tasks_app.auth.audit import audit
from tasks_app.auth.deeds import deed
from tasks_app.auth.doors import door_of
from tasks_app.auth.principal import Principal, Role, Via
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.schedule import parse_schedule
from tasks_app.live.board_pages import BOARDS, board, needs
from tasks_app.runtime import Runtime
from tasks_app.tests.api.asgi import Exchange
from tasks_app.tests.auth.conftest import FORM, Asker, as_token, as_user
from tasks_app.tests.web.conftest import text_of

JSON = {"content_type": "application/json"}
MIRA = Principal("mira", Role.OPERATOR, Via.TOKEN)
NASTY = "<script>alert(1)</script>\u202e\x1b[31m\x00\r\n{object}"


@pytest.fixture(autouse=True)
def nothing_was_done_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_last", type(audit._last)(maxlen=1000))


async def page(asker: Asker, path: str = "/activity", status: int = 200) -> str:
    assert (await asker.start("GET", path))[0] == status, asker.body[:500]
    return asker.body.decode()


async def listed(asker: Asker, query: str = "") -> list[dict[str, Any]]:
    assert (await asker.start("GET", f"/api/v2/activity{query}"))[0] == 200, asker.body
    items: list[dict[str, Any]] = json.loads(asker.body)["items"]
    return items


async def launched(asker: Asker, **more: Any) -> str:
    body = {"type": "count", "params": {"to": 1, "interval": 0}, **more}
    assert (await asker.start("POST", "/api/v2/tasks", body=json.dumps(body).encode(), **JSON))[0] == 201, asker.body
    return str(json.loads(asker.body)["id"])


async def test_a_deed_is_a_sentence_with_a_link_to_the_task_that_is_still_there(application: Any, now: Runtime, known: Access):
    admin = as_user(application, known, "admin")
    operator = as_token(application, "operator")
    task_id = await launched(operator, name="Backups")
    await admin.start("POST", f"/tasks/{task_id}/delete")
    other = await launched(operator, name="Sweep")
    html = await page(admin)
    assert f'<a href="/tasks/{other}"><b>task ' in html
    assert "Launched task" in text_of(html)
    assert f"Deleted a task that is gone ({task_id[:8]}…)" in text_of(html)
    assert "token, operator" in text_of(html)
    assert "API" in text_of(html)
    assert "127.0.0.1" in html


async def test_each_sees_what_is_for_his_eyes(application: Any, now: Runtime, known: Access):
    admin, viewer = as_user(application, known, "admin"), as_user(application, known, "viewer")
    await launched(as_token(application, "operator"))
    await viewer.start("POST", "/api/v2/tasks", body=b"{}", **JSON)  # refused
    for asker, sees in ((admin, True), (viewer, False)):
        html = await page(asker)
        found = await listed(asker)
        assert ("Refused" in html) == sees
        assert ("127.0.0.1" in html) == sees
        assert {entry["outcome"] for entry in found} == ({"done", "role_too_low"} if sees else {"done"})
        assert {entry["address"] for entry in found} == ({"127.0.0.1"} if sees else {None})
        assert len(await listed(asker, "?what=refused")) == (1 if sees else 0)
        assert len(await listed(asker, "?who=127.0.0.1")) == (2 if sees else 0), "an address cannot be guessed at either"
        assert f'data-board="{"audit" if sees else "activity"}"' in html


async def test_the_board_of_everything_is_for_admins(now: Runtime, known: Access):
    assert (needs("audit"), needs("activity"), needs("audit/x")) == (Action.AUDIT, Action.READ, Action.AUDIT)
    audit.refusal("mallory", "192.0.2.6", "login", "/login", "wrong_password")
    assert "mallory" in board(now, "audit", {})(now)["days"]
    for asked in ({}, {"what": "refused"}, {"what": "sign-ins"}, {"who": "mallory"}):
        assert "mallory" not in board(now, "activity", asked)(now)["days"]
    assert set(BOARDS) >= {"audit", "activity"}


async def test_no_text_is_anything_but_text(application: Any, now: Runtime, known: Access):
    admin = as_user(application, known, "admin")
    audit.refusal(NASTY, NASTY, NASTY, NASTY, NASTY)
    task_id = await launched(as_token(application, "operator"), name="<script>alert(2)</script>\u202e")
    html = await page(admin)
    assert "<script>alert" not in html
    assert "\x00" not in html
    assert "\x1b" not in html
    assert html.count("\u202e") == 1, "the name of the task, which turns nothing around but itself"
    assert "\ufffd" in html
    assert task_id in html


async def test_filters_are_in_the_url_and_hold_together(application: Any, now: Runtime, known: Access):
    admin, operator = as_user(application, known, "admin"), as_token(application, "operator")
    task_id = await launched(operator)
    await operator.start("POST", f"/api/v2/tasks/{task_id}/cancel")
    await admin.start("POST", "/tasks/00000000-0000-4000-8000-000000000000/cancel")  # there is none: no deed
    assert [entry["action"] for entry in await listed(admin, "?what=launched")] == ["launch"]
    assert [entry["who"] for entry in await listed(admin, "?who=SCRIPT-oper&what=launched")] == ["script-operator"]
    assert await listed(admin, "?who=nobody-at-all") == []
    assert await listed(admin, "?to=2000-01-01") == []
    assert len(await listed(admin, "?from=2000-01-01&to=2999-01-01T00:00Z")) >= 1
    html = await page(admin, "/activity?what=launched&who=oper&from=2000-01-01")
    assert 'value="oper"' in html
    assert 'value="2000-01-01"' in html
    assert "/activity?who=oper&amp;what=cancelled&amp;from=2000-01-01" in html, "chips keep the rest of the filter"
    assert "Nothing of the kind was done." in await page(admin, "/activity?who=nobody-at-all")


@pytest.mark.parametrize("query", ["what=nonsense", "cursor=x", "cursor=00000000.1.2"])
async def test_what_is_no_filter_is_refused(application: Any, now: Runtime, known: Access, query: str):
    admin = as_user(application, known, "admin")
    await page(admin, f"/activity?{query}", 400)
    assert (await admin.start("GET", f"/api/v2/activity?{query}"))[0] == 422


@pytest.mark.parametrize("text", ["tomorrow", "2026-99-99", "9" * 40, "<b>", "0001-01-01T00:00+14:00"])
async def test_what_is_no_day_is_said_beside_the_boxes(application: Any, now: Runtime, known: Access, text: str):
    admin = as_user(application, known, "admin")
    status, _ = await admin.start("GET", f"/activity?from={quote(text)}")
    assert status == 200
    refused = "This is no day and no time" in admin.body.decode()
    assert refused == ((await admin.start("GET", f"/api/v2/activity?from={quote(text)}"))[0] == 422)
    assert refused or text.startswith("0001")


@pytest.mark.parametrize(
    ("text", "zone", "leads_to"),
    [
        ("mira k", "", "who=mira+k"),
        ("via:api since:7d", "", "door=api&from=7d"),
        ("-via:schedule", "", "door=-schedule"),
        ("since:2026-11-22 until:2026-11-23", "", "from=2026-11-22&to=2026-11-23"),
        ("since:2026-11-22 until:2026-11-23", "+02:00", "from=2026-11-22T00%3A00%2B02%3A00&to=2026-11-24T00%3A00%2B02%3A00"),
        ("since:2026-11-22T10:00Z", "+02:00", "from=2026-11-22T10%3A00Z"),
        ('who:"mira k"', "<b>", "who=mira+k"),
    ],
)
async def test_what_is_typed_becomes_chips(application: Any, now: Runtime, known: Access, text: str, zone: str, leads_to: str):
    admin = as_user(application, known, "admin")
    status, headers = await admin.start("GET", f"/activity?what=launched&q={quote(text)}&zone={quote(zone)}")
    assert status == 302
    link = headers["location"]
    assert sorted(link.partition("?")[2].split("&")) == sorted(f"what=launched&{leads_to}".split("&"))
    html = await page(admin, link)
    assert html.count('class="chip"') == leads_to.count("=")
    assert 'id="search-wrong"' not in html


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zzz:1", "No key is called zzz: there are who, via, since and until."),
        ("via:pigeon", "There is no such way: there are -schedule, dashboard, api"),
        ("-via:api", "There is no such way"),
        ("-who:mira", "Only -via:schedule can be turned round."),
        ("since:", "Nothing stands behind since:"),
        ("since:soon", "This is no day and no time"),
        ('"open', "has a quote that is not closed"),
    ],
)
async def test_what_cannot_be_read_is_said_and_stays_in_the_box(application: Any, now: Runtime, known: Access, text: str, said: str):
    admin = as_user(application, known, "admin")
    html = await page(admin, f"/activity?who=mira&q={quote(text)}")
    assert said in html.split('id="search-wrong"')[1]
    assert f'value="{escape(text)}"' in html
    assert html.count('class="chip"') == 1, "the rest of the filter holds"


async def test_pages_lead_back_through_all_that_is_kept(application: Any, now: Runtime, known: Access):
    admin = as_user(application, known, "admin")
    for number in range(120):
        audit.effect(MIRA, "192.0.2.1", "launch", f"object-{number}", "api")
    found: list[str] = []
    query = ""
    while True:
        await admin.start("GET", f"/api/v2/activity?limit=50{query}")
        answer = json.loads(admin.body)
        found += [entry["object"] for entry in answer["items"] if entry["object"].startswith("object-")]
        if answer["next"] is None:
            break
        query = f"&cursor={answer['next']}"
    assert found == [f"object-{number}" for number in range(119, -1, -1)]
    html = await page(admin)
    older = html.split('href="/activity?cursor=')[1].split('"')[0]
    second = await page(admin, f"/activity?cursor={older}")
    assert "object-0<" in second + await page(admin, "/activity?cursor=" + second.split('href="/activity?cursor=')[1].split('"')[0])
    assert "data-board" not in second, "only the newest page is live"


async def test_what_a_schedule_does_is_told_from_what_a_person_does(application: Any, now: Runtime, known: Access):
    made = now.schedules.add(
        parse_schedule({"cron": "0 0 1 1 *", "task": {"type": "count", "params": {"to": 1, "interval": 0}}}), by="mira"
    )
    task = now.engine.submit(parse_launch({"type": "count"}), by="mira", via="schedule")
    now.schedules.told(made, task)
    admin = as_user(application, known, "admin")
    (entry,) = await listed(admin, "?door=schedule")
    assert (entry["who"], entry["via"], entry["door"], entry["action"], entry["object"]) == ("mira", "", "schedule", "launch", task.id)
    assert "by itself" in text_of(await page(admin))
    assert await listed(admin, "?door=-schedule") == []


async def test_deeds_on_schedules_and_types_have_words_of_their_own(application: Any, now: Runtime, known: Access):
    admin = as_user(application, known, "admin")
    form = "cron=0+3+*+*+*&timezone=UTC&missed=once&params.to=5&params.interval=0&do=save&name=Nightly"
    assert (await admin.start("POST", "/schedules/new/count", body=form.encode(), content_type=FORM))[0] == 303
    made = now.schedules.all()[0].id
    for word, body in (("switch", b"pause=1"), ("switch", b"resume=1"), ("delete", b""), ("restore", b"")):
        assert (await admin.start("POST", f"/schedules/{made}/{word}", body=body, content_type=FORM))[0] == 303
    said = [entry["action"] for entry in await listed(admin, "?what=schedules")]
    assert said == [f"{verb} schedule" for verb in ("restore", "delete", "resume", "pause", "make")]
    text = text_of(await page(admin))
    assert "Paused the schedule Nightly" in text
    assert "Put back the schedule Nightly" in text


@pytest.mark.parametrize(
    ("route", "method", "word"),
    [
        ("api/v2/schedules", "POST", "make schedule"),
        ("api/v2/schedules/<schedule_id>", "PUT", "change schedule"),
        ("api/v2/schedules/<schedule_id>", "DELETE", "delete schedule"),
        ("api/v2/schedules/<schedule_id>/pause", "POST", "pause schedule"),
        ("schedules/<uuid:schedule_id>/edit", "POST", "change schedule"),
    ],
)
def test_a_deed_is_named_by_its_route(route: str, method: str, word: str):
    assert deed(Action.SCHEDULE, route, method, {}) == word


@pytest.mark.parametrize(
    ("path", "module", "door"),
    [
        ("/tasks/x/cancel", "tasks_app.web.actions", "dashboard"),
        ("/api/v2/tasks", "ninja.operation", "api"),
        ("/job", "tasks_app.api.dialects._door", "jobs"),
        ("/create-task", "tasks_app.api.dialects._door", "io_bound"),
        ("/api/v1/tasks", "tasks_app.api.dialects._door", "long_tasks"),
        ("/compat/iotask/tasks", "tasks_app.api.dialects._door", "iotask"),
        ("/compat/taskqueue/tasks", "tasks_app.api.dialects._door", "task_queue"),
        ("/tasks", "tasks_app.api.dialects._door", "dialect"),
        ("/healthz", "tasks_app.api.health", ""),
    ],
)
def test_each_door_has_its_name(path: str, module: str, door: str):
    assert door_of(path, module) == door


async def test_without_a_login_the_address_says_who_it_was(application: Any, now: Runtime, settings_of: Any):
    settings_of()
    asker = Asker(application, peer="192.0.2.77")
    asker.headers = {"host": "localhost"}
    await launched(Asker(application))
    assert "127.0.0.1" in await page(Asker(application))
    assert "no login here" in text_of(await page(Asker(application)))


async def test_the_export_has_all_of_it_and_nothing_a_spreadsheet_computes(application: Any, now: Runtime, known: Access):
    admin, viewer = as_user(application, known, "admin"), as_user(application, known, "viewer")
    for number in range(1200):
        audit.effect(MIRA, "192.0.2.1", "launch", f"object-{number}", "api")
    audit.refusal("=cmd|' /C calc'!A1", "192.0.2.6", "login", "/login", "wrong_password")
    for asker, columns in ((admin, 10), (viewer, 9)):
        body = await whole(asker, "/activity.csv")
        rows = list(csv.reader(io.StringIO(body.removeprefix("\ufeff"))))
        assert {len(row) for row in rows} == {columns}
        found = [row[6] for row in rows[1:] if row[6].startswith("object-")]
        assert found == [f"object-{number}" for number in range(1199, 200, -1)]
        assert ("'=cmd" in body) == (columns == 10)
        assert "192.0.2" not in body or columns == 10
    assert len(list(csv.reader(io.StringIO(await whole(admin, "/activity.csv?what=refused"))))) == 2
    assert (await admin.start("GET", "/activity.csv?what=x"))[0] == 400


async def whole(asker: Asker, path: str) -> str:
    exchange = Exchange(asker._application, "GET", path, headers=asker.headers)
    async with exchange:
        assert (await exchange.start())["status"] == 200
        pieces = [await exchange.piece()]
        while pieces[-1]:
            pieces.append(await exchange.piece())
    return b"".join(pieces).decode()
