"""Acting on many tasks from the dashboard: counted beforehand on a page, begun by one button, watched on a page of its own."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any
from urllib.parse import quote

import pytest
from django.test import AsyncClient
from msgspec.structs import replace

from tasks_app.engine import task as t
from tasks_app.engine.query import parse_query
from tasks_app.engine.tally import Tally
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task
from tasks_app.presenters import bulk as presented
from tasks_app.presenters import bulk_targets
from tasks_app.runtime import Runtime
from tasks_app.tests.web.conftest import BROWSER, Launch, text_of

HTMX = {**BROWSER, "HX-Request": "true", "HX-Current-URL": "http://testserver/"}
NOBODY = "00000000-0000-4000-8000-000000000000"


def newest(runtime: Runtime) -> Task:
    return max(runtime.store.many(range(1, 300)), key=lambda task: task.number)


def params_of(task: Task) -> Any:
    return json.loads(task.params)


def ended(runtime: Runtime, task: Task, **counts: Any) -> Task:
    """The task of a bulk action, as if it had worked."""
    runtime.store.update(task.number, lambda one: t.started(one, at=60.0, monotonic=10.0))
    result = json.dumps(Tally(**counts).result()).encode()
    found = runtime.store.update(
        task.number, lambda one: t.finished(one, Outcome(kind=OutcomeKind.COMPLETED, result=result), monotonic=12.0)
    )
    assert found is not None
    return found


# -- what would happen


async def test_the_count_is_exact_by_action_and_state(client: AsyncClient, runtime: Runtime, launch: Launch):
    tasks = [launch() for _ in range(5)]
    for task in tasks[:2]:
        runtime.engine.cancel(task.id)
    said = text_of((await client.get("/bulk?type=count")).content.decode())
    assert "5 tasks match." in said
    assert "Cancel 3 tasks? Left as they are: 2 are cancelled. Cancel 3 tasks" in said
    assert "Retry 2 tasks? Left as they are: 3 wait for a slot. Retry 2 tasks" in said
    assert "Delete 5 tasks? This can be undone for 10 seconds after its end. Delete 5 tasks" in said


async def test_one_action_is_asked_for_alone(client: AsyncClient, launch: Launch):
    launch()
    html = (await client.get("/bulk?action=delete&status=pending")).content.decode()
    assert re.findall(r'name="action" value="(\w+)"', html) == ["delete"]
    assert 'name="status" value="pending"' in html


async def test_where_nothing_can_be_done_there_is_no_button(client: AsyncClient, launch: Launch):
    launch()
    html = (await client.get("/bulk?action=retry")).content.decode()
    assert "There is nothing to retry. 1 waits for a slot." in text_of(html)
    assert 'name="all"' not in html


@pytest.mark.parametrize(
    "query",
    ["status=odd", "q=nokey%3A", "q=%22", "action=burn", "tag=" + "x" * 201, "type=" + "&type=".join("abcdefghijklmnopqrstuvwxyzABCDEFG")],
)
async def test_a_filter_that_cannot_be_read_is_refused_and_nothing_else_is_done(client: AsyncClient, runtime: Runtime, query: str):
    assert (await client.get(f"/bulk?{query}")).status_code == 400
    given = dict(pair.split("=", 1) for pair in query.split("&"))
    answer = await client.post(
        "/bulk", {"action": "delete", "all": "1", "status": "odd"} | {k: v for k, v in given.items() if k == "action"}
    )
    assert answer.status_code == 400
    assert not len(runtime.store)


async def test_hostile_values_are_text(client: AsyncClient, launch: Launch):
    launch(tags=["a"])
    html = (await client.get("/bulk", {"tag": "<script>alert(1)</script>"})).content.decode()
    assert "<script>alert" not in html
    assert "0 tasks match." in text_of(html)


# -- doing it


async def test_everything_that_matches_is_begun_and_its_page_is_shown(client: AsyncClient, runtime: Runtime, launch: Launch):
    launch(tags=["a"])
    answer = await client.post("/bulk", {"action": "cancel", "all": "1", "tag": ["a"], "q": "name:x"})
    task = newest(runtime)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/bulk/{task.id}")
    assert (task.type, task.via, task.priority) == ("bulk_action", "dashboard", 100)
    assert params_of(task) == {"action": "cancel", "ids": None, "filter": {"status": [], "type": [], "tag": ["a"], "q": "name:x"}}


async def test_ticked_tasks_are_acted_on_by_id_each_once(client: AsyncClient, runtime: Runtime, launch: Launch):
    ids = [launch().id for _ in range(2)]
    answer = await client.post("/bulk", {"action": "cancel", "id": [*ids, ids[0]], "status": "pending"}, headers=HTMX)
    assert "2 tasks are being cancelled." in text_of(answer.content.decode())
    assert params_of(newest(runtime))["ids"] == ids
    runtime.engine.cancel(ids[0])
    answer = await client.post("/bulk", {"action": "cancel", "id": ids}, headers=HTMX)
    assert "1 task is being cancelled. 1 other is left as it is." in text_of(answer.content.decode())
    assert (await client.post("/bulk", {"action": "retry", "id": ids})).headers["Location"] == f"/bulk/{newest(runtime).id}"


async def test_its_page_leads_to_the_tasks_that_were_ticked_as_far_as_an_address_can_name_them(
    client: AsyncClient, runtime: Runtime, launch: Launch, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk_targets, "MAX_TEXT", 40)
    tasks = [launch(name=f"task {number}") for number in range(60)]
    for ticked, term in ((tasks[3:6] + tasks[9:10], "number:4..6,10"), (tasks[::2], "")):
        await client.post("/bulk", {"action": "cancel", "id": [task.id for task in reversed(ticked)]}, headers=HTMX)
        bulk = runtime.store.page(parse_query(types=["bulk_action"]), 1).items[0]
        assert bulk_targets.where(runtime.store, bulk) == (f"/?q={quote(term, safe='')}" if term else "")
    runtime.store.delete(tasks[4].number)
    first = runtime.store.page(parse_query(types=["bulk_action"]), 2).items[1]
    link = bulk_targets.where(runtime.store, first)
    assert link == f"/?q={quote('number:4,6,10', safe='')}"
    assert escape(link) in (await client.get(f"/bulk/{first.id}")).content.decode()
    shown = (await client.get(link)).content.decode()
    assert re.findall(r"<bdi>(task \d+)</bdi>", shown) == ["task 9", "task 5", "task 3"]


async def test_without_a_script_a_delete_goes_back_to_the_list(client: AsyncClient, launch: Launch):
    answer = await client.post("/bulk", {"action": "delete", "id": launch().id}, headers={"Referer": "http://testserver/?status=pending"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?status=pending")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"action": "delete"}, "No task is selected."),
        ({"action": "delete", "id": "1"}, "params.ids.0"),
        ({"id": NOBODY}, "action: must be one of: cancel, retry, delete"),
        ({"action": "delete", "id": [f"00000000-0000-4000-8000-{n:012d}" for n in range(1001)]}, "Nothing was changed."),
    ],
)
async def test_what_makes_no_sense_is_refused_in_a_sentence(client: AsyncClient, runtime: Runtime, given: Any, said: str):
    answer = await client.post("/bulk", given)
    assert answer.status_code == 400
    assert said in text_of(answer.content.decode())
    assert not len(runtime.store)


# -- its page


async def test_a_bulk_action_has_a_page_of_its_own(client: AsyncClient, runtime: Runtime, launch: Launch):
    other, failed = launch(name="<b>left</b>"), launch()
    answer = await client.post("/bulk", {"action": "retry", "all": "1", "status": "failed"})
    task = newest(runtime)
    left = [
        {"id": other.id, "number": other.number, "why": "changed"},
        {"id": failed.id, "number": failed.number, "why": "waiting_full"},
        {"id": NOBODY, "number": 0, "why": "gone"},
    ]
    ended(runtime, task, matched=4312, done=4309, skipped=2, failed=1, why={"changed": 1, "gone": 1, "waiting_full": 1}, left_out=left)
    html = (await client.get(answer.headers["Location"])).content.decode()
    said = text_of(html)
    assert "Retry 4,312 tasks" in said
    assert "Go again 4,309 of 4,312" in said
    assert "No place was free: as many tasks wait as may" in said
    assert "Was gone already 1" in said
    assert "<b>left</b>" not in html
    assert (await client.get(f"/tasks/{task.id}")).headers["Location"] == f"/bulk/{task.id}"


async def test_while_it_goes_on_it_can_be_aborted_and_says_what_stays(client: AsyncClient, runtime: Runtime, launch: Launch):
    launch()
    await client.post("/bulk", {"action": "delete", "all": "1"})
    task = newest(runtime)
    runtime.tallies[task.number] = Tally(matched=400, done=118)
    html = (await client.get(f"/bulk/{task.id}")).content.decode()
    assert f'formaction="/tasks/{task.id}/cancel"' in html
    assert "What is done stays done; the other 282 are left as they are." in text_of(html)
    assert "Undo" in text_of(html)
    del runtime.tallies[task.number]
    runtime.engine.cancel(task.id, by="mira")
    aborted = runtime.store.get(task.id)
    runtime.store.update(task.number, lambda one: replace(one, result=json.dumps(Tally(matched=400, done=118).result()).encode()))
    said = text_of((await client.get(f"/bulk/{aborted.id}")).content.decode())
    assert "The other 282 were not touched." in said
    assert "Not touched 282 it was aborted" in said


async def test_earlier_ones_are_told_of(client: AsyncClient, runtime: Runtime, launch: Launch):
    for action in ("cancel", "delete"):
        await client.post("/bulk", {"action": action, "all": "1"})
        ended(runtime, newest(runtime), matched=61, done=60, skipped=1)
    said = text_of((await client.get(f"/bulk/{newest(runtime).id}")).content.decode())
    assert "Earlier ones Cancelled 60 of 61" in said
    assert "1 was left out." in said


async def test_what_an_older_version_left_is_shown_as_far_as_it_goes(client: AsyncClient, runtime: Runtime):
    await client.post("/bulk", {"action": "cancel", "all": "1"})
    task = newest(runtime)
    old = b'{"matched": 3, "done": 2, "skipped": 1, "failed": 0}'
    runtime.store.update(task.number, lambda one: replace(one, result=old))
    assert "Cancelled 2 of 3" in text_of((await client.get(f"/bulk/{task.id}")).content.decode())
    runtime.store.update(task.number, lambda one: replace(one, result=b'["odd"]'))
    assert (await client.get(f"/bulk/{task.id}")).status_code == 200


@pytest.mark.parametrize("kind", ["nobody", "other"])
async def test_what_is_no_bulk_action_has_no_such_page(client: AsyncClient, launch: Launch, kind: str):
    task_id = NOBODY if kind == "nobody" else launch().id
    assert (await client.get(f"/bulk/{task_id}")).status_code == 404


def test_every_reason_has_a_sentence_and_every_status_its_words(runtime: Runtime):
    assert {status.value for status in Status} <= set(presented._WHY)


async def test_the_list_has_a_box_a_row_and_one_form_for_all(client: AsyncClient, launch: Launch):
    tasks = [launch() for _ in range(3)]
    html = (await client.get("/?type=count")).content.decode()
    assert re.findall(r'type="checkbox" name="id" value="([^"]+)" form="bulk"', html) == [task.id for task in reversed(tasks)]
    assert html.count('<form id="bulk"') == 1
    assert 'href="/bulk?type=count"' in html
    assert "Select all 3 that match" in text_of(html)
