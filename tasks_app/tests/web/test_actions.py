"""Cancel, force, retry, rerun, delete: with and without a script."""

from __future__ import annotations

import pytest
from django.test import AsyncClient

from tasks_app.engine import task as t
from tasks_app.engine.task import Status, Task
from tasks_app.runtime import Runtime
from tasks_app.tests.web.conftest import ByHtmx, Launch, text_of

NOBODY = "00000000-0000-4000-8000-000000000000"


def begun(runtime: Runtime, task: Task) -> Task:
    found = runtime.store.update(task.number, lambda now: t.started(now, at=60.0, monotonic=10.0))
    assert found is not None
    return found


async def test_cancel_goes_back_to_the_list_it_came_from(client: AsyncClient, runtime: Runtime, launch: Launch):
    task = launch()
    answer = await client.post(f"/tasks/{task.id}/cancel", headers={"Referer": "http://testserver/?status=pending&tag=a"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?status=pending&tag=a")
    assert runtime.store.get(task.id).status is Status.CANCELLED


@pytest.mark.parametrize(
    "referer", ["https://evil.example/x", "//evil.example", "javascript:alert(1)", "", "http://testserver//evil.example"]
)
async def test_nobody_is_sent_to_another_site(client: AsyncClient, launch: Launch, referer):
    answer = await client.post(f"/tasks/{launch().id}/cancel", headers={"Referer": referer})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


async def test_htmx_gets_a_short_message_in_place_of_a_page(htmx: ByHtmx, launch: Launch):
    answer = await htmx.post(f"/tasks/{launch(name='<b>').id}/cancel")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert html.startswith('<p class="toast">')
    assert text_of(html.replace("&lt;b&gt;", "NAME")) == "count NAME is cancelled."


async def test_a_running_task_is_asked_to_stop(htmx: ByHtmx, runtime: Runtime, launch: Launch):
    task = begun(runtime, launch())
    answer = await htmx.post(f"/tasks/{task.id}/cancel")
    assert "is asked to stop" in answer.content.decode()
    assert runtime.store.get(task.id).status is Status.CANCELLING


async def test_force_is_recorded(client: AsyncClient, runtime: Runtime, launch: Launch):
    task = begun(runtime, launch())
    await client.post(f"/tasks/{task.id}/cancel")
    assert (await client.post(f"/tasks/{task.id}/force")).status_code == 303
    cancel = runtime.store.get(task.id).cancel
    assert cancel is not None
    assert cancel.forced


async def test_retry_gives_a_cancelled_task_another_go(client: AsyncClient, runtime: Runtime, launch: Launch):
    task = launch()
    runtime.engine.cancel(task.id)
    assert (await client.post(f"/tasks/{task.id}/retry")).status_code == 303
    assert runtime.store.get(task.id).status is Status.PENDING


async def test_rerun_launches_a_copy_and_opens_it(client: AsyncClient, htmx: ByHtmx, runtime: Runtime, launch: Launch):
    task = launch(name="one", params={"to": 3})
    answer = await client.post(f"/tasks/{task.id}/rerun")
    copy = runtime.store.get(answer.headers["Location"].removeprefix("/tasks/"))
    assert answer.status_code == 303
    assert (copy.rerun_of, copy.name, copy.params, copy.via) == (task.id, "one", task.params, "dashboard")
    answer = await htmx.post(f"/tasks/{task.id}/rerun")
    assert runtime.store.get(answer.headers["HX-Redirect"].removeprefix("/tasks/")).rerun_of == task.id


async def test_delete_of_the_shown_task_leads_to_the_list(client: AsyncClient, runtime: Runtime, launch: Launch):
    task = launch()
    answer = await client.post(f"/tasks/{task.id}/delete", headers={"Referer": f"http://testserver/tasks/{task.id}"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert runtime.store.find(task.id) is None


async def test_delete_from_the_list_stays_there(htmx: ByHtmx, runtime: Runtime, launch: Launch):
    task = launch()
    answer = await htmx.post(f"/tasks/{task.id}/delete")
    assert "is deleted" in answer.content.decode()
    assert "HX-Redirect" not in answer.headers
    assert runtime.store.find(task.id) is None


@pytest.mark.parametrize("verb", ["cancel", "force", "retry", "rerun", "delete"])
async def test_a_task_that_is_not_there_is_404_in_a_sentence(client: AsyncClient, htmx: ByHtmx, verb):
    for browser in (client, htmx):
        answer = await browser.post(f"/tasks/{NOBODY}/{verb}")
        assert answer.status_code == 404
        assert "There is no task with this id." in text_of(answer.content.decode())


@pytest.mark.parametrize("verb", ["cancel", "force"])
async def test_what_the_state_does_not_allow_is_409(client: AsyncClient, htmx: ByHtmx, runtime: Runtime, launch: Launch, verb):
    task = launch()
    runtime.engine.cancel(task.id)
    for browser in (client, htmx):
        answer = await browser.post(f"/tasks/{task.id}/{verb}")
        assert answer.status_code == 409
        assert "cancelled" in text_of(answer.content.decode())


async def test_a_server_that_stops_says_503_and_when_to_come_back(htmx: ByHtmx, runtime: Runtime, launch: Launch):
    task = launch()
    runtime.engine.begin_drain()
    answer = await htmx.post(f"/tasks/{task.id}/rerun")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize("verb", ["cancel", "force", "retry", "rerun", "delete"])
async def test_actions_want_post_and_a_token(runtime: Runtime, launch: Launch, verb):
    task = launch()
    browser = AsyncClient(enforce_csrf_checks=True)
    assert (await browser.get(f"/tasks/{task.id}/{verb}")).status_code == 405
    refused = await browser.post(f"/tasks/{task.id}/{verb}")
    assert refused.status_code == 403
    assert "did not come from this dashboard" in text_of(refused.content.decode())
    assert runtime.store.get(task.id) is task
    assert len(runtime.store) == 1


async def test_the_token_of_the_page_opens_the_door(runtime: Runtime, launch: Launch):
    task = launch()
    browser = AsyncClient(enforce_csrf_checks=True)
    page = (await browser.get("/")).content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    answer = await browser.post(f"/tasks/{task.id}/cancel", {"csrfmiddlewaretoken": token})
    assert answer.status_code == 303
    assert runtime.store.get(task.id).status is Status.CANCELLED
