"""Windows and hub: whatever happens to tasks, frames and sockets, a page ends up showing what the store holds."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from tasks_app.engine import search as engine_search
from tasks_app.engine.query import Query, parse_query
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task, finished, started
from tasks_app.live import windows
from tasks_app.live.frames import Frame
from tasks_app.live.hub import Hub
from tasks_app.live.viewer import Viewer
from tasks_app.live.window import Tick
from tasks_app.live.windows import PAGE, REORDER_EVERY, SEARCH_EVERY, ListWindow, TaskWindow
from tasks_app.presenters import ledger, rows
from tasks_app.runtime import Runtime
from tasks_app.tests.live.browser import Browser
from tasks_app.tests.live.conftest import Launch


class Joined:
    """A browser joined to a hub, with its sender."""

    def __init__(self, hub: Hub, runtime: Runtime) -> None:
        self.hub = hub
        self.runtime = runtime
        self.browser = Browser()
        self.viewer = Viewer(self.browser.receive, lambda v: Frame(epoch=runtime.epoch, version=v, base=v).text())
        self.browser.viewer = self.viewer
        self.sender = asyncio.create_task(self.viewer.send_forever())

    def show(self, query: Query) -> Joined:
        self.hub.join(self.viewer, ("list", query), lambda: ListWindow(self.runtime, query))
        return self

    def leave(self) -> None:
        self.sender.cancel()
        self.hub.leave(self.viewer)


async def ticks(hub: Hub, count: int = 1) -> None:
    for _ in range(count):
        await hub.tick()
        for _ in range(5):
            await asyncio.sleep(0)


def begin(runtime: Runtime, task: Task) -> None:
    runtime.store.update(task.number, lambda t: started(t, at=1.0, monotonic=0.0))


def end(runtime: Runtime, task: Task, kind: OutcomeKind = OutcomeKind.COMPLETED) -> None:
    runtime.store.update(task.number, lambda t: finished(t, Outcome(kind=kind, result=b"null"), monotonic=1.0))


async def test_a_new_task_appears_in_the_list_and_its_progress_follows(runtime: Runtime, launch: Launch) -> None:
    hub = Hub(runtime)
    page = Joined(hub, runtime).show(Query())
    await ticks(hub)
    assert page.browser.order == []
    task = launch(name="first")
    await ticks(hub, REORDER_EVERY)
    assert page.browser.order == [task.id]
    assert "first" in page.browser.rows[task.id].html
    begin(runtime, task)
    runtime.engine.reports.take(task.number, 1, (50.0, 200.0, "Step fifty"))
    await ticks(hub)
    assert "Step fifty" in page.browser.rows[task.id].slots["how"]
    assert page.browser.rows[task.id].slots["data-status"] == "processing"
    page.leave()


async def test_a_change_out_of_sight_makes_no_frame_with_rows(runtime: Runtime, launch: Launch) -> None:
    old = launch()
    begin(runtime, old)
    for _ in range(PAGE):
        launch()
    hub = Hub(runtime)
    page = Joined(hub, runtime).show(Query())
    await ticks(hub)
    runtime.engine.reports.take(old.number, 1, (1.0, 2.0, "nobody sees this"))
    await ticks(hub, 3)
    assert len(page.browser.frames) == 1
    page.leave()


async def test_viewers_of_one_window_get_the_same_text_rendered_once(
    runtime: Runtime, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = launch()
    begin(runtime, task)
    hub = Hub(runtime)
    pages = [Joined(hub, runtime).show(Query()) for _ in range(20)]
    await ticks(hub)
    rendered: list[int] = []
    original = rows.row_slots

    def counted(runtime: Runtime, task: Task) -> dict[str, str]:
        rendered.append(task.number)
        return original(runtime, task)

    monkeypatch.setattr(rows, "row_slots", counted)
    runtime.engine.reports.take(task.number, 1, (1.0, 2.0, "half"))
    await ticks(hub)
    assert rendered == [task.number]
    assert all("half" in page.browser.rows[task.id].slots["how"] for page in pages)
    for page in pages:
        page.leave()


async def test_a_held_list_keeps_its_order_and_counts_what_came(runtime: Runtime, launch: Launch) -> None:
    first = launch()
    begin(runtime, first)
    hub = Hub(runtime)
    page = Joined(hub, runtime).show(Query())
    await ticks(hub)
    order = page.viewer.seen.order
    hub.join(page.viewer, ("held", 1), lambda: ListWindow(runtime, Query(), order))
    newer = [launch() for _ in range(3)]
    end(runtime, first)
    await ticks(hub, REORDER_EVERY)
    assert page.browser.order == [first.id]
    assert page.browser.new_count == 3
    assert page.browser.rows[first.id].slots["data-status"] == "completed"
    hub.join(page.viewer, ("list", Query()), lambda: ListWindow(runtime, Query()))
    await ticks(hub, REORDER_EVERY)
    assert page.browser.order == [task.id for task in reversed(newer)] + [first.id]
    page.leave()


async def test_a_filtered_list_lets_go_of_what_no_longer_matches(runtime: Runtime, launch: Launch) -> None:
    task = launch()
    hub = Hub(runtime)
    page = Joined(hub, runtime).show(parse_query(statuses=["pending"]))
    await ticks(hub)
    assert page.browser.order == [task.id]
    begin(runtime, task)
    await ticks(hub, REORDER_EVERY)
    assert page.browser.order == []
    page.leave()


async def test_a_list_that_searches_words_follows_too_but_looks_less_often(runtime: Runtime, launch: Launch) -> None:
    hub = Hub(runtime)
    page = Joined(hub, runtime).show(parse_query(text="needle"))
    await ticks(hub)
    launch(name="hay")
    found = launch(name="a needle")
    await ticks(hub)
    assert page.browser.order == [found.id]
    second = launch(name="needle two")
    await ticks(hub, SEARCH_EVERY - 1)
    assert page.browser.order == [found.id]
    await ticks(hub)
    assert page.browser.order == [second.id, found.id]
    page.leave()


async def test_with_the_last_viewer_the_hub_stops_listening(runtime: Runtime) -> None:
    hub = Hub(runtime)
    before = list(runtime.store._audience._listeners)
    page = Joined(hub, runtime).show(Query())
    assert len(runtime.store._audience._listeners) == len(before) + 1
    page.leave()
    assert list(runtime.store._audience._listeners) == before
    assert hub.viewers == 0


async def test_a_look_that_fails_for_want_of_memory_is_followed_by_the_next(
    runtime: Runtime, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks_app.live.hub.TICK", 0.001)
    failures = iter([MemoryError()])
    flush = runtime.engine.flush_progress

    def fails_once() -> None:
        for error in failures:
            raise error
        flush()

    monkeypatch.setattr(runtime.engine, "flush_progress", fails_once)
    page = Joined(Hub(runtime), runtime).show(Query())
    task = launch()
    async with asyncio.timeout(120):
        while page.browser.order != [task.id]:  # noqa: ASYNC110 - a page has no event for that
            await asyncio.sleep(0.001)
    page.leave()


async def test_a_window_that_fails_disconnects_its_viewers_and_nobody_elses(
    runtime: Runtime, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub(runtime)
    broken = Joined(hub, runtime).show(parse_query(statuses=["failed"]))
    whole = Joined(hub, runtime).show(Query())
    window = hub._showings[("list", parse_query(statuses=["failed"]))].window
    monkeypatch.setattr(window, "tick", lambda tick: 1 / 0)
    task = launch()
    await ticks(hub, REORDER_EVERY)
    assert broken.viewer.broken.is_set()
    assert whole.browser.order == [task.id]
    broken.leave()
    whole.leave()


async def test_a_viewer_that_fails_is_disconnected_and_others_of_its_window_get_their_frames(
    runtime: Runtime, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub(runtime)
    pages = [Joined(hub, runtime).show(Query()) for _ in range(3)]
    monkeypatch.setattr(pages[1].viewer, "offer", lambda window: 1 / 0)
    task = launch()
    await ticks(hub, REORDER_EVERY)
    assert [page.viewer.broken.is_set() for page in pages] == [False, True, False]
    assert [page.browser.order for page in pages] == [[task.id], [], [task.id]]
    assert hub.viewers == 2
    for page in pages:
        page.leave()


async def test_the_page_of_a_task_gets_its_log_line_by_line_and_hears_that_it_is_gone(runtime: Runtime, launch: Launch) -> None:
    task = launch()
    begin(runtime, task)
    trail = runtime.store.trail(task.number)
    trail.log(at=1.0, seconds=0.0, attempt=1, level="info", text="line one")
    hub = Hub(runtime)
    page = Joined(hub, runtime)
    hub.join(page.viewer, ("task", task.id), lambda: TaskWindow(runtime, task.id))
    await ticks(hub)
    trail.log(at=1.0, seconds=0.0, attempt=1, level="info", text="line two")
    await ticks(hub)
    assert ["line one" in html for html in page.browser.log] == [True, False]
    assert "line two" in page.browser.log[1]
    trail.log(at=5.0, seconds=0.0, attempt=2, level="info", text="line three")
    await ticks(hub)
    assert ["Attempt 2</b>" in html for html in page.browser.log] == [False, False, True]
    runtime.store.delete(task.number)
    await ticks(hub)
    assert page.browser.frames[-1]["removed"] == [task.id]
    page.leave()


@pytest.mark.parametrize("seed", range(8))
async def test_pages_converge_to_the_store_whatever_is_lost(runtime: Runtime, launch: Launch, seed: int) -> None:
    """200 random changes, frames lost at random, holds, slow pages and reconnects: in the end every row is what the store says."""
    chance = random.Random(seed)
    hub = Hub(runtime)
    queries = [Query(), parse_query(statuses=["processing"]), parse_query(tags=["odd"])]
    pages = [(Joined(hub, runtime).show(query), query) for query in queries for _ in range(2)]
    tasks: list[Task] = []
    for step in range(200):
        _change(runtime, launch, tasks, chance)
        if chance.random() < 0.4:
            await ticks(hub)
        if chance.random() < 0.1:
            page, query = chance.choice(pages)
            _disturb(hub, runtime, page, query, chance, step)
    for page, query in pages:
        page.browser.acknowledges = True
        page.viewer.acknowledge(10**9)
        page.show(query)
    await ticks(hub, 3 * REORDER_EVERY)
    for page, query in pages:
        wanted = runtime.store.page(query, PAGE).items
        assert page.browser.order == [task.id for task in wanted]
        assert page.browser.counters == ledger.counters(runtime, query)
        for task in wanted:
            assert page.browser.rows[task.id].shows(rows.row_slots(runtime, task))
        page.leave()


def _change(runtime: Runtime, launch: Launch, tasks: list[Task], chance: random.Random) -> None:
    if len(tasks) < 5 or chance.random() < 0.3:
        tasks.append(launch(tags=["odd"] if chance.random() < 0.5 else []))
        return
    task = runtime.store.by_number(chance.choice(tasks).number)
    if task is None:
        return
    if chance.random() < 0.1:
        runtime.store.delete(task.number)
    elif task.status is Status.PENDING:
        begin(runtime, task)
    elif task.status is Status.PROCESSING and chance.random() < 0.3:
        end(runtime, task, chance.choice([OutcomeKind.COMPLETED, OutcomeKind.FAILED]))
    elif task.status is Status.PROCESSING:
        runtime.engine.reports.take(task.number, 1, (chance.randint(0, 200), 200, f"step {chance.random()}"))


def _disturb(hub: Hub, runtime: Runtime, page: Joined, query: Query, chance: random.Random, step: int) -> None:
    kind = chance.choice(["lose", "hold", "release", "slow"])
    if kind == "lose":
        page.browser._version = -chance.randint(1, 9)
    elif kind == "slow":
        page.browser.acknowledges = not page.browser.acknowledges
    elif kind == "hold":
        order = page.viewer.seen.order
        hub.join(page.viewer, ("held", id(page), step), lambda: ListWindow(runtime, query, order))
    else:
        page.show(query)


def test_a_search_goes_on_over_several_ticks_and_what_is_shown_stays_until_it_has_ended(
    runtime: Runtime, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [launch(name=f"task {n}") for n in range(350)]
    monkeypatch.setattr(windows, "SEARCH_SECONDS", 1e-9)  # one step a tick
    before = (tasks[5].id,)
    window = ListWindow(runtime, parse_query(text="name:task -number:>100"), before=before)
    shown = [window.order]
    for number in range(1, 6):
        window.tick(Tick(number, runtime.store.version, frozenset(), False, ""))
        shown.append(window.order)
    assert shown[0] == shown[2] == before
    assert shown[-1] == tuple(task.id for task in tasks[99:49:-1])


async def test_the_counts_of_a_search_follow_what_happens_also_where_the_order_is_held(runtime: Runtime, launch: Launch) -> None:
    hub = Hub(runtime)
    query = parse_query(text="name:blue")
    page = Joined(hub, runtime).show(query)
    tasks = [launch(name="blue"), launch(name="blue"), launch(name="red")]
    await ticks(hub, 2 * SEARCH_EVERY)
    assert {status: count for status, count in page.browser.counters.items() if count} == {"pending": 2, "all": 2}
    hub.join(page.viewer, ("held", 1), lambda: ListWindow(runtime, query, page.viewer.seen.order, before=page.viewer.seen.order))
    begin(runtime, tasks[0])
    begin(runtime, tasks[2])
    await ticks(hub, 2 * SEARCH_EVERY)
    assert {status: count for status, count in page.browser.counters.items() if count} == {"pending": 1, "processing": 1, "all": 2}
    assert page.browser.frames[-1].get("more", []) == []
    page.leave()


async def test_counts_of_which_not_all_was_searched_are_named_in_the_frame(
    runtime: Runtime, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_search, "MOST", 100)
    for _ in range(250):
        launch(name="blue")
    window = ListWindow(runtime, parse_query(text="name:blue"), before=())
    assert "counters" not in json.loads(window.snapshot()), "what was not counted is not told"
    for number in range(SEARCH_EVERY):
        window.tick(Tick(number, runtime.store.version, frozenset(), True, ""))
    frame = json.loads(window.snapshot())
    assert (frame["counters"]["pending"], frame["more"]) == (100, ["pending", "all"])
    assert "the newest were searched, 100 in all" in frame["tally"]
