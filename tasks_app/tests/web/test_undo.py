"""Undo of a delete: a toast that says what is gone, with a button that works without a script, on whichever page the reader is next."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import AsyncClient

from tasks_app.engine import task as t
from tasks_app.engine.query import Query
from tasks_app.engine.task import Status
from tasks_app.runtime import Runtime
from tasks_app.tests.web.conftest import BROWSER, Launch, text_of
from tasks_app.web.undo import COOKIE

HTMX = {**BROWSER, "HX-Request": "true", "HX-Current-URL": "http://testserver/"}


@pytest.fixture(autouse=True)
def no_time_passes(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still uses up none of the ten seconds."""
    monkeypatch.setattr(runtime.store.deleted, "_clock", lambda: 1_000.0)


def offered(html: str) -> list[str]:
    """Where each Undo that a page offers goes."""
    return re.findall(r'<button form="act" formaction="([^"]*)"[^>]*>Undo</button>', html)


def toasts(answer: Any) -> list[str]:
    """What each toast of an answer says."""
    return [text_of(found) for found in re.findall(r'<(?:p|div) class="toast".*?</(?:p|div)>', answer.content.decode(), re.DOTALL)]


async def test_a_delete_offers_undo_and_says_what_is_gone(client: AsyncClient, runtime: Runtime, launch: Launch):
    task = launch(name="sweep")
    answer = await client.post(f"/tasks/{task.id}/delete", headers=HTMX)
    assert runtime.store.find(task.id) is None
    assert toasts(answer) == [f"count sweep #{task.number} is deleted. 10 s Undo"]
    assert offered(answer.content.decode()) == [f"/tasks/{task.id}/restore"]


async def test_the_offer_follows_the_reader_to_other_pages_until_it_is_taken(client: AsyncClient, runtime: Runtime, launch: Launch):
    task = launch()
    await client.post(f"/tasks/{task.id}/delete", headers=HTMX)
    for path in ("/", "/settings", "/launch"):
        assert offered((await client.get(path)).content.decode()) == [f"/tasks/{task.id}/restore"], path
    answer = await client.post(f"/tasks/{task.id}/restore", headers=HTMX)
    assert toasts(answer) == ["count is back."]
    assert runtime.store.get(task.id).status is Status.PENDING
    assert offered((await client.get("/")).content.decode()) == []


async def test_without_a_script_the_next_page_has_the_toast_and_a_form(client: AsyncClient, runtime: Runtime, launch: Launch):
    task = launch()
    answer = await client.post(f"/tasks/{task.id}/delete", headers={"Referer": "http://testserver/?tag=a"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?tag=a")
    html = (await client.get("/?tag=a")).content.decode()
    assert offered(html) == [f"/tasks/{task.id}/restore"]
    assert '<form id="act" method="post"' in html
    answer = await client.post(f"/tasks/{task.id}/restore", headers={"Referer": "http://testserver/?tag=a"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?tag=a")
    assert runtime.store.find(task.id) is not None


async def test_deleted_from_its_own_page_the_list_offers_undo(client: AsyncClient, launch: Launch):
    task = launch()
    answer = await client.post(f"/tasks/{task.id}/delete", headers={**HTMX, "HX-Current-URL": f"http://testserver/tasks/{task.id}"})
    assert answer.headers["HX-Redirect"] == "/"
    assert offered((await client.get("/")).content.decode()) == [f"/tasks/{task.id}/restore"]


async def test_several_deletes_can_each_be_undone_the_last_three(client: AsyncClient, launch: Launch):
    tasks = [launch() for _ in range(4)]
    for task in tasks:
        answer = await client.post(f"/tasks/{task.id}/delete", headers=HTMX)
    assert offered(answer.content.decode()) == [f"/tasks/{task.id}/restore" for task in tasks[1:]]


async def test_another_message_does_not_take_the_offer_away(client: AsyncClient, launch: Launch):
    task, other = launch(), launch()
    await client.post(f"/tasks/{task.id}/delete", headers=HTMX)
    answer = await client.post(f"/tasks/{other.id}/cancel", headers=HTMX)
    assert toasts(answer)[0] == "count is cancelled."
    assert offered(answer.content.decode()) == [f"/tasks/{task.id}/restore"]


async def test_who_did_not_delete_it_is_not_asked(client: AsyncClient, launch: Launch):
    task = launch()
    await client.post(f"/tasks/{task.id}/delete", headers=HTMX)
    client.cookies.clear()
    assert offered((await client.get("/")).content.decode()) == []


@pytest.mark.parametrize("cookie", ["", "....", "x" * 5_000, "<script>", '"; drop', "%E2%80%AE", "00000000-0000-4000-8000-000000000000"])
async def test_a_cookie_of_ones_own_making_does_no_harm(client: AsyncClient, launch: Launch, cookie: str):
    launch()
    client.cookies[COOKIE] = cookie
    answer = await client.get("/")
    assert answer.status_code == 200
    assert offered(answer.content.decode()) == []


async def test_a_hostile_name_is_text_in_the_toast(client: AsyncClient, launch: Launch):
    task = launch(name="<script>alert(1)</script>")
    html = (await client.post(f"/tasks/{task.id}/delete", headers=HTMX)).content.decode()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


async def test_too_late_is_a_sentence(client: AsyncClient, runtime: Runtime, launch: Launch):
    task = launch()
    await client.post(f"/tasks/{task.id}/delete", headers=HTMX)
    runtime.store.deleted.clear()
    answer = await client.post(f"/tasks/{task.id}/restore", headers=HTMX)
    assert answer.status_code == 404
    assert toasts(answer) == ["It is too late to bring this task back: that can be done for 10 seconds after a delete."]
    other = launch()
    answer = await client.post(f"/tasks/{other.id}/restore", headers=HTMX)
    assert (answer.status_code, toasts(answer)) == (409, ["This task is not deleted, or is back already."])


async def test_of_a_task_that_ran_it_says_what_comes_back(client: AsyncClient, runtime: Runtime, launch: Launch):
    task = launch()
    runtime.store.update(task.number, lambda now: t.started(now, at=60.0, monotonic=10.0))
    await client.post(f"/tasks/{task.id}/delete", headers=HTMX)
    answer = await client.post(f"/tasks/{task.id}/restore", headers=HTMX)
    assert toasts(answer) == ["count is back, as cancelled: it ran when it was deleted."]


async def test_a_bulk_delete_is_offered_whole(client: AsyncClient, runtime: Runtime, launch: Launch):
    tasks = [launch() for _ in range(3)]
    answer = await client.post("/bulk", {"action": "delete", "id": [task.id for task in tasks]}, headers=HTMX)
    assert toasts(answer) == ["3 tasks are being deleted. 10 s Undo"]
    bulk = runtime.store.page(bulks(), 1).items[0]
    assert offered(answer.content.decode()) == [f"/bulk/{bulk.id}/undo"]
    deleted = runtime.store.deleted
    deleted.open(bulk.id)
    for task in tasks:
        runtime.engine.delete(task.id, batch=bulk.id)
    deleted.close(bulk.id)
    runtime.engine.cancel(bulk.id)
    assert "Deleted 3 tasks. 10 s Undo" in text_of((await client.get("/settings")).content.decode())
    answer = await client.post(f"/bulk/{bulk.id}/undo", headers=HTMX)
    assert toasts(answer) == ["What was deleted comes back."], "and is not offered again"
    answer = await client.post(f"/bulk/{bulk.id}/undo", headers=HTMX)
    assert (answer.status_code, toasts(answer)) == (409, ["This is being undone already."])


async def test_the_offer_says_how_many_of_many_come_back_as_cancelled(client: AsyncClient, runtime: Runtime, launch: Launch):
    tasks = [launch() for _ in range(3)]
    for task in tasks[:2]:
        runtime.store.update(task.number, lambda now: t.started(now, at=60.0, monotonic=10.0))
    await client.post("/bulk", {"action": "delete", "id": [task.id for task in tasks]}, headers=HTMX)
    bulk = runtime.store.page(bulks(), 1).items[0]
    runtime.store.deleted.open(bulk.id)
    for task in tasks:
        runtime.engine.delete(task.id, batch=bulk.id)
    runtime.store.deleted.close(bulk.id)
    runtime.engine.cancel(bulk.id)
    said = text_of((await client.get("/settings")).content.decode())
    assert "Deleted 3 tasks. 2 of them ran and were stopped: undone, they come back as cancelled. 10 s Undo" in said


def bulks() -> Query:
    """Bulk actions, the newest first."""
    return Query(types=frozenset({"bulk_action"}))
