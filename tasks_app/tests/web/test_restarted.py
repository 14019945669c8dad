"""The notice after a restart: what became of what the process before had left, and the way to go on with it."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import AsyncClient
from msgspec.structs import replace

from tasks_app.conf import config_of
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.recovery import Restart
from tasks_app.engine.task import started
from tasks_app.presenters.restarted import SHOWN
from tasks_app.runtime import Runtime
from tasks_app.tests.web.conftest import text_of

LEFT = Restart(at=0.0, alive_at=0.0, interrupted=38, again=2, waiting=112, retrying=3, scheduled=24)


def left(runtime: Runtime, **values: float) -> None:
    at = runtime.engine.clock.time()
    runtime.engine.restart = replace(LEFT, at=at, alive_at=at - 9, **values)


async def shown(client: AsyncClient) -> str:
    answer = await client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


async def test_it_says_what_became_of_everything(client: AsyncClient, runtime: Runtime) -> None:
    left(runtime)
    html = await shown(client)
    text = text_of(html)
    assert "The server restarted:" in text
    assert "It was away for 9 s." in text
    assert "40 tasks were running; some begin again by themselves, the others do not." in text
    assert "What waited was read back from the journal and keeps its place." in text
    for word, count in (("interrupted", 38), ("begin again", 2), ("still waiting", 112), ("still retrying", 3), ("still scheduled", 24)):
        assert f"{word} {count}" in text
    assert "Retry 38" in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"interrupted": 1, "again": 0}, "1 task was running; it does not go on by itself."),
        ({"interrupted": 0, "again": 2}, "2 tasks were running; they begin again by themselves."),
        ({"interrupted": 0, "again": 0}, "Nothing was running."),
    ],
)
async def test_it_says_what_becomes_of_what_ran(client: AsyncClient, runtime: Runtime, values: dict[str, int], said: str) -> None:
    left(runtime, **values)
    text = text_of(await shown(client))
    assert said in text
    assert ("Retry " in text.partition("still scheduled")[2][:60]) == bool(values["interrupted"])


async def test_without_a_restart_or_after_an_hour_there_is_none(client: AsyncClient, runtime: Runtime) -> None:
    assert "The server restarted" not in await shown(client)
    left(runtime)
    assert runtime.engine.restart is not None
    runtime.engine.restart = replace(runtime.engine.restart, at=runtime.engine.restart.at - SHOWN - 1)
    assert "The server restarted" not in await shown(client)


async def test_the_next_process_counts_and_its_links_find_just_those(client: AsyncClient, runtime: Runtime, tmp_path: Path) -> None:
    config = config_of({"journal": str(tmp_path / "journal.db")})
    first = Runtime(config)
    tasks = [first.engine.submit(parse_launch({"type": "count", "name": str(number)})) for number in range(3)]
    clock = first.engine.clock
    first.store.update(tasks[0].number, lambda task: started(task, at=clock.time(), monotonic=clock.monotonic()))
    first.engine.journal.close()  # the process is killed
    first._log.close()
    second = Runtime(config)
    try:
        found = second.engine.restart
        assert found is not None
        assert (found.interrupted + found.again, found.waiting) == (1, 2)
    finally:
        second.stop()
    assert runtime.engine.restart is None, "without a journal nothing is known of the process before"


async def test_its_links_lead_to_the_interrupted_ones_of_that_moment(client: AsyncClient, runtime: Runtime) -> None:
    left(runtime)
    html = await shown(client)
    links = [unescape(link) for link in re.findall(r'href="([^"]*status=interrupted[^"]*ended[^"]*)"', html)]
    assert [urlsplit(link).path for link in links] == ["/bulk", "/"]
    for link in links:
        assert (await client.get(link)).status_code == 200
        assert parse_qs(urlsplit(link).query)["status"] == ["interrupted"]
