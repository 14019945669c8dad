"""What stands on every page beside its own content: views with true counts, the sheet of keys, what is told of watched tasks."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tasks_app.engine.launch import parse_launch
from tasks_app.presenters import keys, views
from tasks_app.runtime import Runtime
from tasks_app.tests.web.conftest import Launch, text_of
from tasks_app.web import views as views_page


async def html_of(client: Any, url: str) -> str:
    answer = await client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


async def test_views_that_always_exist_are_links_with_the_counts_of_all_tasks(client, launch: Launch, runtime: Runtime):
    for _ in range(3):
        launch()
    runtime.engine.cancel(launch().id)
    html = await html_of(client, "/?status=failed")
    assert '<a href="/"><span class="cut">Everything</span><span data-total-of="all">4</span>' in html
    assert (
        '<a href="/?status=failed&amp;status=interrupted"><span class="cut">Needs a look</span><span data-total-of="look">0</span>' in html
    )
    assert '<span class="cut">Waiting</span><span data-total-of="waiting">3</span>' in html


async def test_whoever_has_a_name_has_a_view_of_his_own_tasks(runtime: Runtime):
    for by in ("Mira K", "Mira K", "Anton"):
        runtime.engine.submit(parse_launch({"type": "count"}), by=by, via="api")
    (mine,) = [view for view in views.views(runtime, "Mira K") if not view.total]
    assert (mine.link, mine.count) == ("/?q=by%3A%3D%22Mira+K%22", "2")
    assert not [view for view in views.views(runtime, "") if not view.total]


async def test_ones_own_tasks_are_not_those_of_a_name_that_has_ones_own_in_it(client, runtime: Runtime):
    for by, name in (("mira", "hers"), ("miranda", "another's"), ("Mira", "a third's")):
        runtime.engine.submit(parse_launch({"type": "count", "name": name}), by=by, via="api")
    (mine,) = [view for view in views.views(runtime, "mira") if not view.total]
    shown = re.findall(r"</strong><bdi>([^<]*)</bdi>", await html_of(client, mine.link))
    assert shown == ["hers"]


async def test_the_totals_of_a_frame_are_those_of_the_page(client, launch: Launch, runtime: Runtime):
    launch()
    shown = dict(re.findall(r'data-total-of="(\w+)">([\d,]+)<', await html_of(client, "/")))
    assert {name: str(count) for name, count in views.totals(runtime).items()} == shown


@pytest.mark.parametrize("path", ["/", "/settings", "/keys", "/launch"])
async def test_every_page_has_the_views_the_zones_and_the_way_to_the_keys(client, path: str):
    html = await html_of(client, path)
    assert 'id="views" popover' in html
    assert "data-zone-switch" in html
    assert '<a class="keys-link with-script" href="/keys" data-keys-sheet' in html
    assert ("data-save-view" in html) is (path == "/")


async def test_the_sheet_of_keys_is_a_page_too(client):
    said = text_of(await html_of(client, "/keys"))
    for group in keys.groups():
        assert group.title in said
        assert all(line.words in said for line in group.lines)


async def test_watched_tasks_are_told_of_by_id_and_strangers_left_out(client, launch: Launch, runtime: Runtime):
    waiting, ended = launch(name="one"), launch(name="<b>two</b>")
    runtime.engine.cancel(ended.id)
    answer = await client.get("/watched", {"id": [waiting.id, ended.id, "nonsense", waiting.id]})
    found = answer.json()
    assert (found["epoch"], found["durable"]) == (runtime.epoch, False)
    assert set(found["tasks"]) == {waiting.id, ended.id}
    assert found["tasks"][waiting.id]["ended"] is False
    told = found["tasks"][ended.id]
    assert (told["ended"], told["status"], told["said"]) == (True, "cancelled", "Cancelled: count <b>two</b>")
    assert told["link"] == f"/tasks/{ended.id}"
    assert answer.headers["cache-control"] == "no-store"


async def test_no_more_than_fifty_watched_tasks_are_looked_up(client, launch: Launch):
    ids = [launch().id for _ in range(60)]
    assert len((await client.get("/watched", {"id": ids})).json()["tasks"]) == 50


async def test_a_task_that_may_still_end_can_be_watched_from_its_row_and_its_page(client, launch: Launch, runtime: Runtime):
    task = launch()
    assert f'data-watch="/tasks/{task.id}"' in await html_of(client, "/")
    assert f'data-watch="{task.id}"' in await html_of(client, f"/tasks/{task.id}")
    runtime.engine.cancel(task.id)
    assert "data-watch=" not in await html_of(client, "/")
    assert "data-watch=" not in await html_of(client, f"/tasks/{task.id}")


async def test_views_that_a_browser_keeps_are_counted_in_the_order_in_which_they_are_asked_for(
    client, launch: Launch, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
):
    for number in range(150):
        launch(name=f"task {number}", tags=["edge"] if number < 7 else [])
    runtime.engine.cancel(launch(name="last").id)
    asked = ["status=pending", "tag=edge&status=cancelled", "q=name:last", "q=name:task&status=pending", "status=nope", "q=zzz:1", ""]
    answer = await client.get("/views/counts", {"view": asked})
    assert answer.json() == {"counts": ["150", "0", "1", "150", "", "", "151"]}
    monkeypatch.setattr(views_page, "SEARCHED", 200)
    answer = await client.get("/views/counts", {"view": ["q=name:last", "q=name:task"]})
    assert answer.json() == {"counts": ["1+", "100+"]}
    assert (await client.get("/views/counts")).json() == {"counts": []}
