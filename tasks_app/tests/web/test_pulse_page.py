"""The Pulse page: its charts, switches and tables, its health, when nothing has run, and when something failed."""

from __future__ import annotations

import re

import pytest
from django.test import AsyncClient

from tasks_app.engine import task as t
from tasks_app.engine.errors import NotFound
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.task import Outcome, OutcomeKind, TaskError
from tasks_app.live.board_pages import board
from tasks_app.presenters import pulse, settings
from tasks_app.runtime import Runtime
from tasks_app.tests.engine.records import DONE
from tasks_app.tests.web.conftest import Launch, text_of

CHARTS = ("throughput", "durations", "waiting", "failures", "busy")
BROKEN = Outcome(kind=OutcomeKind.FAILED, error=TaskError("Unreachable", "<script>alert(1)</script>\u202e nothing answered"))


@pytest.fixture(autouse=True)
def no_minute_ends(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between what happens and the look at it."""
    now = runtime.engine.clock.monotonic()
    monkeypatch.setattr(runtime.engine.clock, "monotonic", lambda: now)


def ended(runtime: Runtime, how: Outcome = DONE) -> None:
    """A count that ran for three seconds."""
    task = runtime.engine.submit(parse_launch({"type": "count"}))
    at, begun = runtime.engine.clock.time(), runtime.engine.clock.monotonic() - 3.0
    runtime.store.update(task.number, lambda now: t.started(now, at=at, monotonic=begun))
    runtime.store.update(task.number, lambda now: t.finished(now, how, monotonic=begun + 3.0))


async def page(client: AsyncClient, query: str = "") -> str:
    answer = await client.get(f"/pulse{query}")
    assert answer.status_code == 200
    return answer.content.decode()


async def test_each_chart_has_a_title_a_sentence_and_a_table_of_the_same(client: AsyncClient, runtime: Runtime) -> None:
    ended(runtime)
    html = await page(client)
    for name in CHARTS:
        assert re.search(rf'role="img" aria-labelledby="{name}-title {name}-text"', html)
        assert re.search(rf'<h2 id="{name}-title">\S', html)
        assert text_of(re.search(rf'<p id="{name}-text">(.*?)</p>', html, re.DOTALL)[1])  # type: ignore[index]
        rows = re.findall(rf'<tr id="{name}-\d+"', html)
        assert len(rows) == len(set(rows)) == 60
    newest = re.search(r'<tr id="throughput-.*?</tr>', html)
    assert newest is not None
    assert re.findall(r"<td>(.*?)</td>", newest[0]) == ["1", "1"]


async def test_span_and_division_are_switched_by_links_and_stand_in_the_address(client: AsyncClient, runtime: Runtime) -> None:
    ended(runtime)
    day = await page(client, "?span=day&by=status&hide=cancelled")
    assert "Finished each quarter of an hour" in day
    assert len(re.findall(r'<tr id="throughput-\d+"', day)) == 96
    assert re.search(r'<a href="[^"]*by=status"[^>]*aria-current="true">By status', day)
    assert re.search(r'<a href="[^"]*span=day[^"]*"[^>]*aria-current="true">Last day', day)
    assert 'data-live="/live/boards/pulse?span=day&amp;by=status&amp;hide=cancelled"' in day
    assert re.search(r'data-hidden>.*?Cancelled<span class="unseen">: left out, show it', day)


@pytest.mark.parametrize("query", ["?span=%00&by=<script>", "?hide=" + "x" * 3000, "?span=week&by=&hide=,,,~", "?span[]=1&unknown=2"])
async def test_what_a_query_does_not_mean_changes_nothing(client: AsyncClient, query: str) -> None:
    html = await page(client, query)
    assert "Finished each minute" in html
    assert "<script>&" not in html
    assert "by=<script>" not in html


async def test_before_anything_ran_the_page_says_what_will_be_there(client: AsyncClient, runtime: Runtime) -> None:
    html = await page(client)
    assert 'data-empty="yes"' in html
    assert "Nothing has run yet" in html
    assert "curl http://testserver/api/v2/tasks" in text_of(html)
    ended(runtime)
    assert 'data-empty=""' in await page(client)


async def test_what_failed_stands_first_as_text_and_is_retried_from_here(client: AsyncClient, runtime: Runtime) -> None:
    ended(runtime)
    calm = await page(client)
    assert calm.index("Failures by error") > calm.index("Finished each minute")
    ended(runtime, BROKEN)
    html = await page(client)
    assert html.index("Failures by error") < html.index("Finished in the last minute")
    assert "<script>alert" not in html
    assert re.search(r'formaction="/types/count/failures/\w+/retry"', html)


async def test_the_live_page_has_the_same_parts(client: AsyncClient, runtime: Runtime) -> None:
    ended(runtime, BROKEN)
    html = await page(client, "?by=status")
    parts = board(runtime, "pulse", {"by": "status"})(runtime)
    slots = set(re.findall(r'data-slot="([^"]+)"', html))
    assert slots == {name for name in parts if not name.startswith("data-")}
    assert parts["throughput"] in html
    with pytest.raises(NotFound):
        board(runtime, "pulse/ping", {})


def test_what_is_drawn_moves_on_every_few_seconds_and_figures_each_second(
    runtime: Runtime, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 100.0
    monkeypatch.setattr(runtime.engine.clock, "monotonic", lambda: at)
    made = board(runtime, "pulse", {})
    before = made(runtime)
    launch()
    at += pulse.LOOKED_AT
    after = made(runtime)
    assert after["tiles"] != before["tiles"]
    assert after["waiting-words"] == before["waiting-words"]
    at += pulse.REDRAWN
    assert "1 waits now." in made(runtime)["waiting-words"]


async def test_sockets_in_use_stand_on_the_settings_page(client: AsyncClient, runtime: Runtime) -> None:
    assert settings._uses(runtime)["max_sockets"].words == "0 of 2,000"
    html = (await client.get("/settings")).content.decode()
    assert "max_sockets in use" in html


def test_pulses_that_differ_in_their_bars_share_all_the_rest(runtime: Runtime, launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.engine.clock, "monotonic", lambda: 100.0)
    by_type = board(runtime, "pulse", {})(runtime)
    launch()
    by_status = board(runtime, "pulse", {"by": "status"})(runtime)
    assert by_status["tiles"] == by_type["tiles"]
    assert by_status["waiting"] is by_type["waiting"]
    assert by_status["throughput-words"] != by_type["throughput-words"]
    assert board(runtime, "pulse", {"span": "day"})(runtime)["tiles"] != by_type["tiles"]
