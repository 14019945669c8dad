"""Task types: what can run, the page of each, its slots and pauses, and what failed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import AsyncClient
from django.utils.translation import override

from tasks_app.engine import task as t
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task, TaskError
from tasks_app.language import COOKIE
from tasks_app.live.board_pages import board
from tasks_app.presenters import type_page, types
from tasks_app.runtime import Runtime
from tasks_app.tests.engine.records import DONE
from tasks_app.tests.web.conftest import ByHtmx, Launch, text_of

SMUGGLED = "<script>alert(1)</script>\u202e{{ 1 }}"


def ended(runtime: Runtime, type: str = "ping", how: Outcome = DONE, seconds: float = 3.0, **params: Any) -> Task:
    """A task that has run."""
    given = {"params": {"address": "127.0.0.1"} | params} if type == "ping" else {}
    task = runtime.engine.submit(parse_launch({"type": type, **given}))
    at, begun = runtime.engine.clock.time(), runtime.engine.clock.monotonic() - seconds
    runtime.store.update(task.number, lambda now: t.started(now, at=at, monotonic=begun))
    done = runtime.store.update(task.number, lambda now: t.finished(now, how, monotonic=begun + seconds))
    assert done is not None
    return done


def failing(message: str, kind: str = "Unreachable") -> Outcome:
    return Outcome(kind=OutcomeKind.FAILED, error=TaskError(kind, message))


async def page(client: AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


async def test_every_type_is_listed_with_its_fields_and_those_a_launch_has_to_give_stand_out(client: AsyncClient) -> None:
    html = await page(client, "/types")
    rows = dict(re.findall(r'<tr role="row" id="type-(\w+)">(.*?)</tr>', html, re.DOTALL))
    assert {"ping", "http_check", "bulk_action", "formed"} <= set(rows)
    assert "<b>address</b>, port" in rows["ping"]
    assert "event loop" in text_of(rows["ping"])
    assert "made by bulk actions" in text_of(rows["bulk_action"])
    assert "for Go Task Queue" in text_of(rows["double"])
    assert "process" in text_of(rows["primes"])
    assert 'href="/launch/ping"' in rows["ping"]
    assert 'href="/launch/' not in rows["bulk_action"]


async def test_types_are_searched_by_name_by_what_they_do_and_by_field_in_either_language(client: AsyncClient, runtime: Runtime) -> None:
    def found(html: str) -> list[str]:
        return re.findall(r'<tr role="row" id="type-(\w+)">', html)

    assert found(await page(client, "/types?q=tcp+FAIL_if")) == ["ping"]
    client.cookies[COOKIE] = "ru"
    assert "primes" in found(await page(client, "/types?q=простые"))
    del client.cookies[COOKIE]
    html = await page(client, "/types?span=week&q=%3Cb%3E")
    assert found(html) == []
    assert "No type has <b><bdi>&lt;b&gt;</bdi></b> in its name" in html
    assert 'href="/types?q=%3Cb%3E"' in html
    assert 'data-live="/live/boards/types?span=week&amp;q=%3Cb%3E"' in html
    assert found(board(runtime, "types", {"span": "week", "q": "tcp probes"})(runtime)["types"]) == []
    assert found(board(runtime, "types", {"q": "tcp fail_if"})(runtime)["types"]) == ["ping"]


async def test_a_row_tells_how_runs_went_and_how_long_they_took(client: AsyncClient, runtime: Runtime) -> None:
    for seconds in (1.0, 2.0, 3.0):
        ended(runtime, seconds=seconds)
    ended(runtime, how=failing("gone"))
    (row,) = re.findall(r'<tr role="row" id="type-ping">.*?</tr>', await page(client, "/types"), re.DOTALL)
    said = text_of(row)
    assert "75 %" in said
    assert "4 runs" in said
    assert "2 s 3 s" in said


async def test_before_the_first_run_a_row_says_so(client: AsyncClient) -> None:
    assert "no runs" in text_of(await page(client, "/types"))


async def test_a_type_that_waits_says_how_many_and_how_long(client: AsyncClient, runtime: Runtime, launch: Launch) -> None:
    runtime.engine.set_concurrency("count", 1)
    runtime.engine.queues.take("count")
    for _ in range(3):
        launch()
    said = text_of(await page(client, "/types/count"))
    assert "1 of 1" in said
    assert "3 wait" in said
    assert "the first for" in said


async def test_the_page_of_a_type_tells_its_fields_from_its_model(client: AsyncClient) -> None:
    html = await page(client, "/types/formed")
    fields = {name: text_of(rest) for name, rest in re.findall(r'<th scope="row" class="mono[^"]*">(\w+)</th>(.*?)</tr>', html)}
    assert fields["whole"] == "whole number 1 to 10 5 A whole number"
    assert fields["word"].startswith("text required, 8 characters at most")
    assert fields["flag"] == "yes or no yes On or off"
    assert fields["colour"].startswith("one of a few red, blue")
    secrets = [said for said in fields.values() if said.startswith("secret")]
    assert secrets
    assert all("masked everywhere" in said for said in secrets)


async def test_how_long_they_took_is_drawn_and_said(client: AsyncClient, runtime: Runtime) -> None:
    for seconds in (30.0,) * 9 + (7200.0,):
        ended(runtime, seconds=seconds)
    html = await page(client, "/types/ping")
    assert 'class="soft-bar"' in html
    assert "the longest took 2\u202fh" in html
    assert "10 runs in the last day, 100\u202f% worked, none failed" in html


async def test_the_last_week_is_a_link_away(client: AsyncClient, runtime: Runtime) -> None:
    html = await page(client, "/types/ping?span=week")
    assert 'data-live="/live/boards/types/ping?span=week"' in html
    assert "No run has ended in the last week." in html
    assert "No run has ended in the last day." in await page(client, "/types/ping?span=century")


async def test_a_type_that_is_not_installed_has_a_page_that_says_so(client: AsyncClient) -> None:
    answer = await client.get("/types/nothing")
    assert answer.status_code == 404
    assert "There is no such type" in answer.content.decode()
    hostile = await client.get(f"/types/{SMUGGLED.replace('/', '')}")
    assert hostile.status_code == 404
    assert "<script>alert" not in hostile.content.decode()


async def test_pausing_says_who_and_since_when_and_what_waits(client: AsyncClient, runtime: Runtime, launch: Launch) -> None:
    launch()
    answer = await client.post("/types/count/pause", headers={"referer": "http://testserver/types/count"})
    assert (answer.status_code, answer["Location"]) == (303, "/types/count")
    assert runtime.engine.queues.get("count").paused
    for path in ("/types", "/types/count"):
        said = text_of(await page(client, path))
        assert "count is paused" in said
        assert "1 task waits and keeps its place." in said
    await client.post("/types/count/resume")
    assert not runtime.engine.queues.get("count").paused
    assert "is paused" not in text_of(await page(client, "/types/count"))


async def test_the_task_of_a_paused_type_says_why_it_waits(client: AsyncClient, launch: Launch) -> None:
    task = launch()
    await client.post("/types/count/pause")
    assert "count is paused" in text_of(await page(client, f"/tasks/{task.id}"))


async def test_slots_are_changed_live_and_put_back(client: AsyncClient, runtime: Runtime, htmx: ByHtmx) -> None:
    answer = await htmx.post("/types/download/slots", {"concurrency": "3"})
    assert "download has 3 slots now." in answer.content.decode()
    assert runtime.engine.queues.get("download").concurrency == 3
    assert "Back to 16" in await page(client, "/types/download")
    await htmx.post("/types/download/slots", {"concurrency": ["3", "16"]})  # the field, then the button that goes back
    assert runtime.engine.queues.get("download").concurrency == 16
    assert "Back to" not in await page(client, "/types/download")
    assert "no limit of its own" in (await htmx.post("/types/download/slots", {"concurrency": ""})).content.decode()


@pytest.mark.parametrize("given", ["0", "-1", "1000001", "many", "1.5", "9" * 400, "²"])
async def test_slots_that_cannot_be_are_refused_in_a_sentence(runtime: Runtime, htmx: ByHtmx, given: str) -> None:
    answer = await htmx.post("/types/download/slots", {"concurrency": given})
    assert answer.status_code == 400
    assert "must be" in answer.content.decode()
    assert runtime.engine.queues.get("download").concurrency == 16


async def test_what_is_asked_of_a_type_that_is_not_there_is_refused(htmx: ByHtmx) -> None:
    for path in ("pause", "resume", "slots", "failures/abc/retry"):
        assert (await htmx.post(f"/types/nothing/{path}", {"concurrency": "1"})).status_code == 404


async def test_failures_are_grouped_by_error(client: AsyncClient, runtime: Runtime) -> None:
    for port in range(5):
        ended(runtime, how=failing(f"127.0.0.1:{port} answered none of 8 probes"))
    ended(runtime, how=failing("Certificate has expired", "Expired"))
    html = await page(client, "/types/ping")
    groups = [text_of(found) for found in re.findall(r'<li id="failure-.*?</li>', html, re.DOTALL)]
    assert groups[0].startswith("5 Unreachable … answered none of … probes")
    assert groups[0].endswith("Retry 5")
    assert groups[1].startswith("1 Expired Certificate has expired")
    assert "6 kept tasks have failed" in html


async def test_retrying_a_group_is_a_bulk_action_on_exactly_its_tasks(client: AsyncClient, runtime: Runtime) -> None:
    for port in range(3):
        ended(runtime, how=failing(f"127.0.0.1:{port} refused"))
    ended(runtime, how=failing("gone"))
    group = runtime.engine.stats.failures.groups("ping")[0]
    answer = await client.post(f"/types/ping/failures/{group.id}/retry")
    (bulk,) = [task for task in runtime.store.many(range(1, 20)) if task.type == "bulk_action"]
    assert answer.status_code == 303
    assert bulk.id in answer["Location"]
    wanted = json.loads(bulk.params)["filter"]
    assert (wanted["status"], wanted["type"], wanted["q"]) == (["failed"], ["ping"], f"failure:{group.id}")


async def test_a_group_that_is_gone_meanwhile_says_so(htmx: ByHtmx, runtime: Runtime) -> None:
    task = ended(runtime, how=failing("gone"))
    group = runtime.engine.stats.failures.groups("ping")[0]
    runtime.engine.delete(task.id)
    answer = await htmx.post(f"/types/ping/failures/{group.id}/retry")
    assert answer.status_code == 404
    assert "No failed task is left in this group." in answer.content.decode()


async def test_what_is_smuggled_into_an_error_stays_text(client: AsyncClient, runtime: Runtime) -> None:
    ended(runtime, how=failing(SMUGGLED * 500, kind=SMUGGLED))
    html = await page(client, "/types/ping")
    assert "<script>alert" not in html
    assert len(html) < 60_000


async def test_tasks_of_a_type_that_is_gone_are_mentioned(client: AsyncClient, runtime: Runtime, launch: Launch) -> None:
    task = launch()
    runtime.store.add([t.Task(id="1", number=runtime.store.next_number(), type="old", params=b"{}", created_at=1.0, status=Status.PENDING)])
    assert task
    said = text_of(await page(client, "/types"))
    assert "No task type old is installed here any more" in said
    assert "1 task" in said


def test_the_page_and_its_socket_show_the_same_parts(runtime: Runtime) -> None:
    made = board(runtime, "types", {})(runtime)
    assert made == types.parts(runtime, "day")
    one = board(runtime, "types/ping", {"span": "week"})(runtime)
    assert one == type_page.parts(runtime, runtime.registry.get("ping"), "week")
    assert all(isinstance(html, str) and type(html) is str for html in (*made.values(), *one.values()))


def test_what_says_the_same_as_before_is_not_rendered_again(runtime: Runtime) -> None:
    types.parts(runtime, "day")
    before = types._rendered.cache_info()
    types.parts(runtime, "day")
    after = types._rendered.cache_info()
    assert after.misses == before.misses
    ended(runtime)
    changed = types.parts(runtime, "day")
    assert types._rendered.cache_info().misses == after.misses + 1  # the row of its type alone
    assert "1 run<" in changed["types"]
    with override("ru"):
        types.parts(runtime, "day")
    assert types.parts(runtime, "day") == changed
