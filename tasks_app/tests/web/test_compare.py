"""Two runs side by side."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import AsyncClient

from tasks_app.engine import task as t
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.task import Outcome, OutcomeKind, Task, TaskError
from tasks_app.live.board_pages import board
from tasks_app.presenters import compare as presented
from tasks_app.runtime import Runtime
from tasks_app.tests.presenters.pages import SMUGGLED, smuggled_in
from tasks_app.tests.web.conftest import text_of


def run(runtime: Runtime, seconds: float = 3.0, *, type: str = "ping", error: str = "", result: Any = None, **given: Any) -> Task:
    """A task that has run for so long."""
    params = given.pop("params", {"address": "127.0.0.1"} if type == "ping" else {})
    task = runtime.engine.submit(parse_launch({"type": type, "params": params, **given}), by="ann")
    kind = OutcomeKind.FAILED if error else OutcomeKind.COMPLETED
    outcome = Outcome(kind=kind, error=TaskError("Unreachable", error) if error else None, result=json.dumps(result).encode())
    runtime.store.update(task.number, lambda now: t.started(now, at=now.created_at + 2.0, monotonic=0.0))
    done = runtime.store.update(task.number, lambda now: t.finished(now, outcome, monotonic=seconds))
    assert done is not None
    return done


async def page(client: AsyncClient, a: str | int, b: str | int, status: int = 200) -> str:
    answer = await client.get("/compare", {"a": a, "b": b})
    assert answer.status_code == status
    return answer.content.decode()


def main(html: str) -> str:
    """What is the page's own, without what stands around all pages."""
    return html.split("<main")[1].split("</main>")[0]


async def test_what_differs_stands_out_and_what_is_the_same_is_folded(client: AsyncClient, runtime: Runtime) -> None:
    a = run(runtime, params={"address": "198.51.100.7", "port": 80}, name="one")
    b = run(runtime, params={"address": "10.4.0.1", "port": 443}, tags=["edge"])
    html = await page(client, a.id, b.id)
    rows = re.findall(
        r"<tr><th scope=\"row\"[^>]*>([^<]*)</th><td class=\"mono\"><del>(.*?)</del></td><td class=\"mono\"><ins>(.*?)</ins>", html
    )
    assert [(name, text_of(x), text_of(y)) for name, x, y in rows] == [
        ("address", "198.51.100.7", "10.4.0.1"),
        ("port", "80", "443"),
        ("Name", "one", "none"),
        ("Tags", "none", "edge"),
    ]
    folded = text_of(html.split('<details class="same">')[1].split("</details>")[0])
    assert "count 200" in folded
    assert "timeout 2" in folded


async def test_how_much_longer_one_took_is_the_headline(client: AsyncClient, runtime: Runtime) -> None:
    a, b = run(runtime, 200.0), run(runtime, 225.0)
    assert "Task 2 took 25 s longer than task 1" in text_of(await page(client, a.id, b.id))
    assert "Task 1 was 25 s faster than task 2" in text_of(await page(client, b.id, a.id))
    assert "Task 1 took as long as task 1" not in text_of(await page(client, a.id, a.id))


async def test_two_tasks_of_different_types_and_ends_can_be_compared(client: AsyncClient, runtime: Runtime) -> None:
    a, b = run(runtime, type="count", params={"to": 3}), run(runtime, error="192.0.2.1 answered none of 8 probes")
    said = text_of(await page(client, a.id, b.id))
    assert "Task 1: Completed. Task 2: Failed." in said
    assert "count and ping" in said
    assert "to 3 not there" in said
    assert "192.0.2.1 answered none of 8 probes" in said
    assert "It has none." in said


async def test_traces_are_drawn_from_each_begin_or_by_the_clock_and_the_page_stays_so_while_it_is_live(
    client: AsyncClient, runtime: Runtime
) -> None:
    a, b = run(runtime), run(runtime)
    for task in (a, b):
        runtime.store.trail(task.number).measure("Round-trip", 4.5, seconds=1.0, unit="ms")
    plain = await page(client, a.id, b.id)
    assert re.search(r'aria-current="true">From each begin<', plain)
    (link,) = re.findall(r'<a href="([^"]*)">By the clock<', plain)
    answer = await client.get(unescape(link))
    html = answer.content.decode()
    assert re.search(r'aria-current="true">By the clock<', html)
    assert "time=clock" in re.findall(r'data-live="([^"]*)"', html)[0]
    parts = board(runtime, "compare", {"a": a.id, "b": b.id, "time": "clock"})(runtime)
    assert parts["traces"] in html
    assert all("time=clock" in unescape(url) for url in re.findall(r'href="([^"]*)">(?:<svg.*?</svg>)?Swap sides', html))


async def test_figures_of_results_and_series_are_side_by_side(client: AsyncClient, runtime: Runtime) -> None:
    a, b = run(runtime, result={"received": 200, "avg": 8.1, "host": "x"}), run(runtime, result={"received": 199, "avg": 12.7, "host": "x"})
    for task, values in ((a, (8.0, 9.0, 10.0)), (b, (12.0, None, 14.0))):
        for second, value in enumerate(values):
            runtime.store.trail(task.number).measure("rtt", value, unit="ms", seconds=second)
    html = await page(client, a.id, b.id)
    said = text_of(html)
    assert "received 200 199 1 fewer" in said
    assert "avg 8.1 12.7 4.6 more" in said
    assert "host x x the same" in said
    assert "rtt, average 9 ms 13 ms 4 ms more" in said
    assert "rtt, lost 0 1 1 more" in said
    assert html.count('class="trace other" d="M0.0') == 1
    assert "Task 1: 8 to 10 ms, on average 9 ms. Task 2: 12 to 14 ms, on average 13 ms." in said


async def test_secrets_are_not_compared(client: AsyncClient, runtime: Runtime) -> None:
    secret = next(
        name for name, found in runtime.registry.get("formed").schema()["properties"].items() if found.get("format") == "password"
    )
    a, b = (run(runtime, type="formed", params={"word": "abc", secret: value}) for value in ("hush", "quiet"))
    html = await page(client, a.id, b.id)
    assert f"Secrets are not compared: {secret}" in text_of(html)
    assert "hush" not in html
    assert "quiet" not in html


async def test_one_that_is_gone_is_said_in_a_sentence(client: AsyncClient, runtime: Runtime) -> None:
    a, b = run(runtime), run(runtime)
    runtime.engine.delete(b.id)
    assert "Of the two only task 1 is kept" in text_of(await page(client, a.id, b.id, 404))
    assert "Neither task is kept any more." in text_of(await page(client, b.id, "nothing", 404))
    assert "the address needs the ids of both" in text_of(await page(client, a.id, "", 404))


@pytest.mark.parametrize("hostile", [*SMUGGLED, "²", "9" * 5000, "\0", "-1", "1e3"])
async def test_an_odd_address_does_no_harm(client: AsyncClient, runtime: Runtime, hostile: str) -> None:
    a = run(runtime)
    assert smuggled_in(main(await page(client, a.id, hostile, 404))) == []


async def test_what_is_smuggled_into_a_task_stays_text(client: AsyncClient, runtime: Runtime) -> None:
    tasks = [run(runtime, name=text[:200], error=text, result={text: text}) for text in SMUGGLED]
    for task, text in zip(tasks, SMUGGLED, strict=True):
        runtime.store.trail(task.number).measure(text, 1.0, unit=text, seconds=0)
        runtime.store.trail(task.number).log(level="info", text=text, at=1.0, seconds=0, attempt=1)
    for task in tasks[1:]:
        assert smuggled_in(main(await page(client, tasks[0].id, task.id))) == []


async def test_tasks_may_be_named_by_their_numbers(client: AsyncClient, runtime: Runtime) -> None:
    run(runtime)
    run(runtime)
    assert "Tasks 1 and 2" in await page(client, 1, 2)


async def test_tasks_that_wait_or_run_are_compared_as_far_as_they_are(client: AsyncClient, runtime: Runtime) -> None:
    a = runtime.engine.submit(parse_launch({"type": "count"}))
    b = runtime.engine.submit(parse_launch({"type": "count"}))
    runtime.store.update(b.number, lambda now: t.started(now, at=now.created_at, monotonic=0.0))
    said = text_of(await page(client, a.id, b.id))
    assert "Task 1: Pending. Task 2: Processing." in said


async def test_the_page_of_a_task_leads_to_a_comparison_with_the_last_run_that_worked(client: AsyncClient, runtime: Runtime) -> None:
    worked, _failed, other, now = run(runtime), run(runtime, error="gone"), run(runtime, type="count", params={}), run(runtime)
    html = (await client.get(f"/tasks/{now.id}")).content.decode()
    assert f'href="/compare?a={worked.number}&amp;b={now.number}"' in html
    assert "/compare?" not in (await client.get(f"/tasks/{other.id}")).content.decode()
    runtime.engine.delete(worked.id)
    assert 'href="/compare?a=2&amp;b=4"' in (await client.get(f"/tasks/{now.id}")).content.decode()


async def test_the_page_of_a_failed_task_offers_all_that_failed_alike(client: AsyncClient, runtime: Runtime) -> None:
    alone = run(runtime, error="192.0.2.1 answered none of 8 probes")
    assert "failed with this error" not in (await client.get(f"/tasks/{alone.id}")).content.decode()
    run(runtime, error="192.0.2.2 answered none of 9 probes")
    html = (await client.get(f"/tasks/{alone.id}")).content.decode()
    assert "2 kept tasks of this type failed with this error." in text_of(html)
    assert re.search(r'formaction="/types/ping/failures/[0-9a-f]{12}/retry"', html)


def test_the_page_and_its_socket_show_the_same_parts(runtime: Runtime) -> None:
    a, b = run(runtime), run(runtime)
    assert board(runtime, "compare", {"a": a.id, "b": b.id})(runtime) == presented.parts(runtime, a.id, b.id)
    runtime.engine.delete(b.id)
    assert "only task 1" in board(runtime, "compare", {"a": a.id, "b": b.id})(runtime)["missing"]
