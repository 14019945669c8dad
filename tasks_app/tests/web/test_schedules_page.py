"""The pages of schedules without a script: what they show, what they take, and what becomes of a deletion."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import AsyncClient
from msgspec.structs import replace

from tasks_app.engine.schedule import Missed, Run, Schedule, parse_schedule
from tasks_app.live.board_pages import board
from tasks_app.presenters import schedules as shown
from tasks_app.runtime import Runtime
from tasks_app.tests.web.conftest import ByHtmx, Launch, problem, text_of, value

Make = Callable[..., Schedule]
FORMED = {"word": "abc", "token": "hunter2", "account": {"user": "mira", "password": "hunter3"}}
FORM = {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "missed": "skip", "name": "Nightly", "params.to": "5", "params.interval": "0"}


@pytest.fixture
def make(runtime: Runtime) -> Make:
    def made(cron: str = "0 18 * * *", name: str = "Backups", **more: Any) -> Schedule:
        task = {"type": more.pop("type", "count"), "name": name, "params": more.pop("params", {}), "tags": more.pop("tags", [])}
        return runtime.schedules.add(parse_schedule({"cron": cron, "task": task, **more}), by="mira")

    return made


async def page(client: AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.content[:300]
    return answer.content.decode()


async def test_nothing_yet_is_said_and_taught(client: AsyncClient) -> None:
    html = await page(client, "/schedules")
    assert "Nothing repeats yet." in html
    assert "There is no journal: schedules end with this process." in html
    assert 'data-board="schedules"' in html


async def test_a_schedule_is_a_row_with_its_words_its_next_runs_and_its_last_ones(
    client: AsyncClient, runtime: Runtime, make: Make
) -> None:
    made = make(timezone="Europe/Berlin")
    task = runtime.schedules.run_now(made.id)
    runtime.engine.cancel(task.id)
    html = await page(client, "/schedules")
    assert "every day at 18:00 · Europe/Berlin · missed: run once" in text_of(html)
    assert re.search(r"18:00(, \w{3}){2}|\w{3} 18:00(, \w{3}){2}", text_of(html)), "the next three"
    assert f'href="/tasks/{task.id}"' in html
    assert "The last run, 0 failed" in html
    assert "Cancelled" in text_of(html)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u202egnp.exe", "x" * 200, "a'b\"c&d"])
async def test_no_name_is_anything_but_text(client: AsyncClient, make: Make, name: str) -> None:
    made = make(name=name)
    for path in ("/schedules", f"/schedules/{made.id}", f"/schedules/{made.id}/edit"):
        html = await page(client, path)
        assert "<script>alert" not in html
        assert text_of(html).count(name[:60]) or "…" in html
    assert "\u202e" not in name or f"<bdi>{name}</bdi>" in await page(client, "/schedules"), "it turns nothing around but itself"


async def test_the_form_makes_a_schedule_once_however_often_it_is_sent(client: AsyncClient, runtime: Runtime) -> None:
    html = await page(client, "/schedules/new/count?cron=0+3+*+*+*")
    own = value(html, "id")
    for _ in range(2):
        answer = await client.post("/schedules/new/count", {**FORM, "id": own, "do": "save"})
        assert (answer.status_code, answer["location"]) == (303, f"/schedules/{own}")
    (made,) = runtime.schedules.all()
    assert (made.cron, made.timezone, made.missed, made.name) == ("0 3 * * *", "Europe/Berlin", Missed.SKIP, "Nightly")
    assert json.loads(made.params)["to"] == 5


async def test_each_thing_that_is_wrong_is_said_beside_its_input(client: AsyncClient, runtime: Runtime) -> None:
    wrong = {**FORM, "cron": "61 * * * *", "timezone": "Mars/Base", "params.to": "-1", "priority": "x", "do": "save"}
    answer = await client.post("/schedules/new/count", wrong)
    html = answer.content.decode()
    assert answer.status_code == 422
    for name in ("cron", "timezone", "params.to", "priority"):
        assert problem(html, name), name
    assert value(html, "cron") == "61 * * * *", "what was entered is there again"
    assert "4 things to mend." in html
    assert runtime.schedules.all() == []


async def test_the_next_five_runs_are_shown_before_it_is_saved(client: AsyncClient, htmx: ByHtmx, runtime: Runtime) -> None:
    typing = (await htmx.post("/schedules/new/count/check", {**FORM, "cron": "0 12 * * 1"})).content.decode()
    assert "every Monday at 12:00" in typing
    assert typing.count("<li>") == 5
    plain = (await client.post("/schedules/new/count", {**FORM, "cron": "0 12 * * 1", "do": "preview"})).content.decode()
    assert plain.count("Mon ") >= 5
    assert (
        "The cron line is no such line yet." in (await htmx.post("/schedules/new/count/check", {**FORM, "cron": "0 12"})).content.decode()
    )
    assert runtime.schedules.all() == []


async def test_the_short_form_leads_to_the_whole_one(client: AsyncClient) -> None:
    answer = await client.get(
        "/schedules/new", {"type": "count", "repeat": "workdays", "at": "07:45", "name": "Morning", "timezone": "Asia/Tokyo"}
    )
    html = await page(client, answer["location"])
    assert (value(html, "cron"), value(html, "name"), value(html, "timezone")) == ("45 7 * * 1-5", "Morning", "Asia/Tokyo")
    for at in ("x", "25:00", "", "99", "7:99"):
        answer = await client.get("/schedules/new", {"type": "count", "repeat": "daily", "at": at})
        assert value(await page(client, answer["location"]), "cron") == "0 3 * * *"
    assert "What shall repeat?" in await page(client, "/schedules/new?type=nosuch")


async def test_a_change_keeps_what_is_not_changed_and_secrets_that_are_left_empty(
    client: AsyncClient, runtime: Runtime, make: Make
) -> None:
    made = make(type="formed", params=FORMED, tags=["a", "b"])
    html = await page(client, f"/schedules/{made.id}/edit")
    assert "hunter" not in html
    assert "Left empty, the secret stays as it is." in html
    areas = re.findall(r'<textarea[^>]*? name="([^"]+)"[^>]*>([^<]*)<', html)
    given = {name: unescape(text) for name, text in [*re.findall(r'<input[^>]*? name="([^"]+)" value="([^"]*)"', html), *areas]} | {
        "cron": "0 4 * * *",
        "missed": "each",
        "do": "save",
    }
    answer = await client.post(f"/schedules/{made.id}/edit", given)
    assert answer.status_code == 303, text_of(answer.content.decode())[:2000]
    now = runtime.schedules.get(made.id)
    assert (now.cron, now.missed, now.tags, now.name) == ("0 4 * * *", Missed.EACH, ("a", "b"), "Backups")
    assert json.loads(now.secrets or b"")["token"] == "hunter2"
    assert json.loads(now.secrets or b"")["account"] == {"user": "mira", "password": "hunter3"}
    assert b"hunter" not in now.params


async def test_a_switch_says_what_it_does_and_a_second_browser_cannot_turn_it_around(
    client: AsyncClient, htmx: ByHtmx, runtime: Runtime, make: Make
) -> None:
    made = make()
    html = await page(client, "/schedules")
    assert 'name="pause"' in html
    for _ in range(2):
        assert "Backups is paused." in (await htmx.post(f"/schedules/{made.id}/switch", {"pause": "1"})).content.decode()
    assert runtime.schedules.get(made.id).paused_at is not None
    assert 'aria-checked="false"' in await page(client, "/schedules")
    assert (await client.post(f"/schedules/{made.id}/switch", {"resume": "1"})).status_code == 303
    assert runtime.schedules.get(made.id).paused_at is None
    assert (await client.post(f"/schedules/{made.id}/switch")).status_code == 400


async def test_a_deletion_can_be_taken_back_by_the_toast_with_a_script_or_without(
    client: AsyncClient, htmx: ByHtmx, runtime: Runtime, make: Make
) -> None:
    made = make()
    answer = await htmx.post(f"/schedules/{made.id}/delete")
    assert f'action="/schedules/{made.id}/restore"' in answer.content.decode()
    assert runtime.schedules.all() == []
    assert "Backups is back, as it was." in (await htmx.post(f"/schedules/{made.id}/restore")).content.decode()
    answer = await client.post(f"/schedules/{made.id}/delete")
    assert answer["location"] == f"/schedules?deleted={made.id}"
    html = await page(client, answer["location"])
    assert "is deleted." in text_of(html)
    assert f'action="/schedules/{made.id}/restore"' in html
    assert (await client.post(f"/schedules/{made.id}/restore"))["location"] == "/schedules"
    assert [one.id for one in runtime.schedules.all()] == [made.id]
    assert "is deleted." not in await page(client, f"/schedules?deleted={uuid.uuid4()}")


async def test_what_starts_once_is_beside_it_the_soonest_first_and_can_start_now(
    client: AsyncClient, htmx: ByHtmx, launch: Launch, runtime: Runtime
) -> None:
    late = launch(name="late", run_at="2999-01-01T00:00:00Z")
    soon = launch(name="soon", run_at="2998-01-01T00:00:00Z")
    html = await page(client, "/schedules")
    assert html.index(soon.id) < html.index(late.id)
    assert "count soon starts now." in (await htmx.post(f"/tasks/{soon.id}/start")).content.decode()
    assert runtime.store.get(soon.id).status == "pending"
    assert soon.id not in await page(client, "/schedules")
    assert (await htmx.post(f"/tasks/{soon.id}/start")).status_code == 409


async def test_params_are_written_as_on_the_page_of_a_task(client: AsyncClient, launch: Launch, make: Make) -> None:
    given = {"to": 5, "interval": 1.0}
    written = re.compile(r"interval</bdi></dt><dd[^>]*><bdi>(.*?)</bdi>|interval</dt><dd[^>]*><bdi>(.*?)</bdi>")
    task = launch(params=given)
    pages = [await page(client, path) for path in (f"/schedules/{make(params=given).id}", f"/tasks/{task.id}")]
    assert [written.search(html)[1] or written.search(html)[2] for html in pages] == ["1", "1"]  # type: ignore[index]


async def test_many_are_paged_and_searched(client: AsyncClient, make: Make) -> None:
    for number in range(2 * shown.PAGE + 1):
        make(name=f"Sweep {number}", tags=["nightly"] if number == 7 else [])
    html = await page(client, "/schedules")
    assert html.count('id="schedule-') == shown.PAGE
    assert "Page 1 of 3" in html
    assert (await page(client, "/schedules?page=3")).count('id="schedule-') == 1
    assert (await page(client, "/schedules?page=99")).count('id="schedule-') == 1, "past the end is the end"
    assert (await page(client, "/schedules?q=NIGHTLY")).count('id="schedule-') == 1
    assert "No schedule matches." in await page(client, "/schedules?q=<b>nothing")
    for odd in ("page=x", "page=-1", "page=٣", "page=" + "9" * 50):
        assert (await client.get(f"/schedules?{odd}")).status_code == 200


async def test_a_type_that_is_gone_is_said_and_the_schedule_stays(client: AsyncClient, runtime: Runtime, make: Make) -> None:
    made = make()
    runtime.registry._types.pop("count")
    for path in ("/schedules", f"/schedules/{made.id}"):
        assert "The type count is not installed here any more" in await page(client, path)
    assert (await client.get(f"/schedules/{made.id}/edit")).status_code == 404
    assert runtime.schedules.get(made.id) == made


@pytest.mark.parametrize(
    ("missed", "said"), [("once", "It was run once"), ("skip", "It was left out"), ("each", "What was missed was run")]
)
async def test_what_was_missed_is_said_on_top(client: AsyncClient, runtime: Runtime, make: Make, missed: str, said: str) -> None:
    made = make(missed=missed)
    now = runtime.engine.clock.time()
    task = runtime.schedules.run_now(made.id)
    runtime.schedules._changed(made.id, lambda one: with_missed(one, now, task.id))
    text = text_of(await page(client, "/schedules"))
    assert "Backups missed its time, " in text
    assert said in text
    runtime.schedules._changed(made.id, lambda one: with_missed(one, now - 2 * 86_400, task.id))
    assert "missed its time" not in text_of(await page(client, "/schedules")), "after a day it is no news"


def with_missed(one: Schedule, at: float, task: str) -> Schedule:
    return replace(one, missed_from=at - 60, caught_up=at, runs=(Run(at - 60, task),))


async def test_what_is_none_is_not_found(client: AsyncClient) -> None:
    nobody = uuid.uuid4()
    assert (await client.get(f"/schedules/{nobody}")).status_code == 404
    assert (await client.get("/schedules/new/bulk_action")).status_code == 404
    for word in ("switch", "run", "delete", "restore", "edit"):
        assert (await client.post(f"/schedules/{nobody}/{word}", {"pause": "1"})).status_code == 404


def test_the_live_pieces_are_those_of_the_page(runtime: Runtime, make: Make) -> None:
    made = make()
    pieces = board(runtime, "schedules", {})(runtime)
    assert set(pieces) == {"missed", "repeats", "once"}
    assert made.id in pieces["repeats"]
    one = board(runtime, f"schedules/{made.id}", {})(runtime)
    assert set(one) == {"head", "runs", "facts"}
    assert board(runtime, "schedules", {"q": "nothing"})(runtime)["repeats"] != pieces["repeats"]


def test_a_page_of_a_thousand_costs_what_it_shows(runtime: Runtime, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(300):
        make(name=str(number))
    looked: list[str] = []
    real = shown.row
    monkeypatch.setattr(shown, "row", lambda now, one, at: looked.append(one.id) or real(now, one, at))  # type: ignore[func-returns-value]
    shown._rendered.clear()
    first = shown.parts(runtime, shown.Asked())
    assert len(looked) == shown.PAGE
    assert shown.parts(runtime, shown.Asked())["repeats"] == first["repeats"]
    assert len(looked) == shown.PAGE, "what has not changed is not rendered again"
    task = runtime.schedules.run_now(runtime.schedules.all()[0].id)
    assert task.id in shown.parts(runtime, shown.Asked())["repeats"]
    runtime.engine.cancel(task.id)
    assert "Cancelled" in shown.parts(runtime, shown.Asked())["repeats"]
    assert len(looked) == shown.PAGE + 2
