"""The engine in virtual time: launching, running, retrying, and what it says of tasks that wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from tasks_app.engine import dispatcher
from tasks_app.engine.context import Context
from tasks_app.engine.errors import (
    IdempotencyConflict,
    IllegalTransition,
    InvalidParams,
    InvalidValue,
    NotFound,
    UnknownType,
    WaitingFull,
)
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.live import Live
from tasks_app.engine.registry import Backoff
from tasks_app.engine.task import OutcomeKind, Status, progressed
from tasks_app.executors.local import AsyncRun
from tasks_app.tests import scripted
from tasks_app.tests.engine.virtual import EPOCH
from tasks_app.tests.engine.world import World, handler
from tasks_app.tests.garbage import left_as_garbage

Start = Callable[..., Awaitable[World]]


def later(seconds: float) -> datetime:
    """A moment on the fake wall clock."""
    return datetime.fromtimestamp(EPOCH, UTC) + timedelta(seconds=seconds)


# -- a run


async def test_a_task_goes_from_pending_over_processing_to_completed(world: World) -> None:
    task = await world.ran()
    assert world.history(task) == ["pending", "processing", "completed"]
    assert world.now(task).result == b'{"attempt":1,"password":0}'
    assert (task.by, task.via) == ("tester", "test")


async def test_a_failing_task_fails_with_its_error(world: World) -> None:
    task = world.now(await world.ran("fail"))
    assert world.history(task) == ["pending", "processing", "failed"]
    assert task.error is not None
    assert task.error.type == "ValueError"


@pytest.mark.parametrize("mode", ["ok", "fail"])
async def test_an_attempt_that_has_ended_leaves_nothing_to_the_garbage_collector(world: World, mode: str) -> None:
    """Circles of records, attempts and coroutines would be kept until it comes by, and make it come by more often."""
    await world.ran(mode)
    with left_as_garbage(Live, Context, AsyncRun) as left:
        await world.ran(mode)
    assert left == []


async def test_the_handler_gets_its_secret_and_the_record_shows_none(world: World) -> None:
    task = world.now(await world.ran(password="hunter2"))
    assert task.result == b'{"attempt":1,"password":7}'
    assert b"hunter2" not in task.params


async def test_every_bad_ending_leaves_the_engine_at_work(world: World) -> None:
    tasks = [world.submit(mode) for mode in (*scripted.ERRORS, *scripted.BAD_RESULTS)]
    await world.advance(1)
    assert {world.status(task) for task in tasks} == {Status.FAILED}
    assert world.status(await world.ran()) is Status.COMPLETED
    assert world.engine.queues.running == 0


async def test_durations_are_right_though_the_wall_clock_is_set(world: World) -> None:
    task = world.submit("hang", seconds=10)
    await world.advance(5)
    world.clock.set_by = -3600
    await world.advance(6)
    done = world.now(task)
    assert done.attempt is not None
    assert done.attempt.seconds == pytest.approx(10)
    assert done.started_at is not None
    assert done.ended_at == pytest.approx(done.started_at + 10)


# -- progress


async def test_progress_is_written_four_times_a_second_and_the_last_word_is_kept(world: World) -> None:
    task = world.submit("slow_progress", times=1000, seconds=0.01)
    await world.advance(11)
    writes = [c.after.progress for c in world.changes if c.after and c.before and c.after.progress is not c.before.progress]
    assert len(writes) <= 4 * 10 + 2
    progress = world.now(task).progress
    assert progress is not None
    assert (progress.current, progress.total) == (1000, 1000)


async def test_a_million_words_in_one_turn_are_one_write(world: World) -> None:
    task = world.submit("million_progress")
    await world.advance(1)
    done = world.now(task)
    assert done.progress is not None
    assert done.progress.current == 1_000_000
    assert len([c for c in world.changes if c.task.id == task.id]) == 3


async def test_the_words_of_many_are_written_bit_by_bit_and_all_of_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "WORDS_A_TURN", 2)
    turns: list[int | None] = []
    flush = world.engine.reports.flush

    def counted(among: Any = None, most: int | None = None) -> bool:
        turns.append(most)
        return flush(among, most)

    monkeypatch.setattr(world.engine.reports, "flush", counted)
    tasks = [world.submit("slow_progress", times=2, seconds=0.2) for _ in range(5)]
    await world.advance(0.25)
    assert [p.current if (p := world.now(task).progress) else None for task in tasks] == [1] * 5
    assert turns == [2, 2, 2]


async def test_a_tick_begins_no_second_writing_while_one_is_under_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int | None] = []

    def never_all(among: Any = None, most: int | None = None) -> bool:
        calls.append(most)
        return len(calls) > 10

    monkeypatch.setattr(world.engine.reports, "flush", never_all)
    monkeypatch.setattr(world.engine._dispatcher, "_flushes", True)
    await world.advance(1)
    assert calls == [], "the one that is under way goes on by itself"
    world.engine._dispatcher._flush()
    await world.settle()
    assert len(calls) == 11
    await world.advance(1)
    assert len(calls) == 15, "four ticks, one for each"


async def test_readers_may_ask_for_the_newest_word_now(world: World) -> None:
    task = world.submit("slow_progress", times=100, seconds=0.06)
    await world.advance(0.2)
    assert world.now(task).progress is None
    world.engine.flush_progress()
    progress = world.now(task).progress
    assert progress is not None
    assert progress.current == 3


async def test_log_and_series_are_kept_with_the_task(world: World) -> None:
    task = await world.ran("talks")
    trail = world.store.find_trail(task.number)
    assert trail is not None
    assert [(line.text, line.level, line.attempt) for line in trail.lines()] == [("a line", "warning", 1)]
    assert trail.series["speed"].last == 3.5


# -- attempts


async def test_a_task_is_tried_again_after_doubling_waits(world: World) -> None:
    task = world.submit("fail_then_ok", times=3, max_attempts=5)
    began = world.clock.time()
    await world.advance(10)
    done = world.now(task)
    assert world.history(task) == ["pending", *["processing", "retrying", "pending"] * 3, "processing", "completed"]
    assert [attempt.started_at - began for attempt in done.attempts] == pytest.approx([0, 1, 3, 7], abs=0.01)
    assert [attempt.outcome for attempt in done.attempts] == [OutcomeKind.FAILED] * 3 + [OutcomeKind.COMPLETED]


async def test_a_task_fails_when_no_attempt_is_left(world: World) -> None:
    task = world.now(await world.ran("fail", 10, max_attempts=3))
    assert (task.status, len(task.attempts)) == (Status.FAILED, 3)


async def test_jitter_only_shortens_the_wait(start: Start) -> None:
    backed_off = handler("jittery", scripted.scripted.function, params=scripted.ScriptParams, backoff=Backoff(base=10, jitter=0.5))
    for chance, wait in ((0.0, 10.0), (0.5, 7.5), (0.999, 5.005)):
        world = await start(chance=lambda chance=chance: chance, types=[backed_off])
        task = world.now(await world.ran("fail", type="jittery", max_attempts=2))
        assert task.scheduled_for is not None
        assert task.scheduled_for - world.clock.time() == pytest.approx(wait)


@pytest.mark.parametrize("mode", ["fail_for_good", "nan", "long_text"])
async def test_what_cannot_get_better_is_not_tried_again(world: World, mode: str) -> None:
    task = world.now(await world.ran(mode, 100, max_attempts=5))
    assert (task.status, len(task.attempts)) == (Status.FAILED, 1)


async def test_the_type_says_how_often_to_try_unless_the_launch_does(start: Start) -> None:
    stern = handler("stern", scripted.scripted.function, params=scripted.ScriptParams, max_attempts=3, timeout=2, backoff=Backoff(jitter=0))
    world = await start(types=[stern])
    by_type = world.submit("hang", type="stern")
    by_launch = world.submit("hang", type="stern", max_attempts=1, timeout=0.5)
    await world.advance(60)
    assert len(world.now(by_type).attempts) == 3
    assert [attempt.seconds for attempt in world.now(by_launch).attempts] == pytest.approx([0.5])


async def test_each_attempt_has_its_own_timeout(world: World) -> None:
    task = world.now(await world.ran("hang", 20, timeout=2, max_attempts=2))
    assert task.status is Status.FAILED
    assert [attempt.seconds for attempt in task.attempts] == pytest.approx([2, 2])
    assert {attempt.outcome for attempt in task.attempts} == {OutcomeKind.TIMED_OUT}
    assert task.error is not None
    assert (task.error.type, task.error.message) == ("Timeout", "Timed out after 2 s")


async def test_a_timeout_is_kept_by_a_handler_that_does_not_stop_and_its_slot_is_free(start: Start) -> None:
    world = await start(concurrency={"scripted": 1})
    task = world.submit("stubborn", timeout=2)
    waits = world.submit()
    await world.advance(2.5)
    assert world.status(task) is Status.PROCESSING
    await world.advance(5)
    timed_out = world.now(task)
    assert timed_out.status is Status.FAILED
    assert timed_out.error is not None
    assert "may still be running" in timed_out.error.message
    assert world.status(waits) is Status.COMPLETED
    assert world.engine.runner.stuck == 1


# -- start-at


async def test_a_task_starts_at_its_time(world: World) -> None:
    task = world.submit(run_at=later(100))
    assert world.status(task) is Status.SCHEDULED
    await world.advance(99.9)
    assert world.status(task) is Status.SCHEDULED
    await world.advance(0.2)
    assert world.history(task) == ["scheduled", "pending", "processing", "completed"]


async def test_a_start_time_in_the_past_means_at_once(world: World) -> None:
    assert world.history(await world.ran(run_at=later(-100))) == ["pending", "processing", "completed"]


async def test_a_clock_that_is_set_forward_is_noticed_within_a_second(world: World) -> None:
    task = world.submit(run_at=later(3600))
    await world.advance(5)
    world.clock.set_by = 3600
    await world.advance(1.01)
    assert world.status(task) is Status.COMPLETED


async def test_a_clock_that_is_set_back_delays_but_loses_nothing(world: World) -> None:
    task = world.submit(run_at=later(10))
    await world.advance(5)
    world.clock.set_by = -100
    await world.advance(50)
    assert world.status(task) is Status.SCHEDULED
    await world.advance(60)
    assert world.status(task) is Status.COMPLETED


async def test_hundreds_of_tasks_due_at_once_all_start(world: World) -> None:
    tasks = [world.submit(run_at=later(5)) for _ in range(1_300)]
    await world.advance(5.1)
    assert {world.status(task) for task in tasks} == {Status.COMPLETED}


# -- again


async def test_an_explicit_retry_adds_attempts_to_the_same_task(world: World) -> None:
    task = await world.ran("fail_then_ok", 10, times=2, max_attempts=2)
    assert world.status(task) is Status.FAILED
    world.engine.retry(task.id)
    await world.advance(10)
    done = world.now(task)
    assert (done.status, [attempt.number for attempt in done.attempts], done.attempts_allowed) == (Status.COMPLETED, [1, 2, 3], 4)


async def test_backoff_begins_anew_after_an_explicit_retry(world: World) -> None:
    task = await world.ran("fail", 60, max_attempts=4)
    world.engine.retry(task.id)
    await world.settle()
    retrying = world.now(task)
    assert retrying.scheduled_for is not None
    assert retrying.scheduled_for - world.clock.time() == pytest.approx(1.0)


@pytest.mark.parametrize("mode", ["ok", "hang"])
async def test_only_what_failed_was_cancelled_or_interrupted_can_be_retried(world: World, mode: str) -> None:
    task = await world.ran(mode, 1)
    with pytest.raises(IllegalTransition):
        world.engine.retry(task.id)


async def test_a_rerun_is_a_new_task_that_names_the_old_one(world: World) -> None:
    old = await world.ran(password="hunter2", name="mine", tags=["a"], priority=5, timeout=9, max_attempts=3)
    new = world.engine.rerun(old.id, by="bob", via="page")
    await world.settle()
    assert (new.rerun_of, new.by, new.via, new.name, new.tags, new.priority, new.timeout, new.max_attempts) == (
        *(old.id, "bob", "page", "mine", ("a",), 5, 9, 3),
    )
    assert world.now(new).result == b'{"attempt":1,"password":7}'
    assert world.status(old) is Status.COMPLETED


async def test_what_is_not_there_is_not_found(world: World) -> None:
    for call in (world.engine.cancel, world.engine.retry, world.engine.rerun, world.engine.delete):
        with pytest.raises(NotFound):
            call("no-such-id")


# -- idempotency


async def test_the_same_key_gives_the_first_task(world: World) -> None:
    request = LaunchRequest(type="scripted", idempotency_key="k")
    first, is_new = world.engine.submit_once(request)
    again, is_new_again = world.engine.submit_once(request)
    assert (first.id, is_new, is_new_again) == (again.id, True, False)
    await world.settle()
    assert world.engine.submit(request).status is Status.COMPLETED
    assert len(world.store) == 1


async def test_the_same_key_with_another_request_is_a_conflict(world: World) -> None:
    world.submit(idempotency_key="k")
    with pytest.raises(IdempotencyConflict):
        world.submit("fail", idempotency_key="k")


async def test_a_key_is_free_again_when_its_task_is_gone(world: World) -> None:
    first = await world.ran(idempotency_key="k")
    world.engine.delete(first.id)
    assert world.submit("fail", idempotency_key="k").id != first.id


async def test_a_refused_launch_does_not_use_up_its_key(start: Start) -> None:
    world = await start(max_waiting=1)
    world.engine.pause("scripted")
    blocking = world.submit()
    with pytest.raises(WaitingFull):
        world.submit(idempotency_key="k")
    world.engine.delete(blocking.id)
    assert world.submit("fail", idempotency_key="k").status is Status.PENDING


# -- bulk and bounds


async def test_many_are_accepted_all_or_none(world: World) -> None:
    good = LaunchRequest(type="scripted")
    with pytest.raises(InvalidParams) as refused:
        world.engine.submit_many([good, good, LaunchRequest(type="scripted", params={"mode": 5})])
    assert refused.value.field == "tasks.2.params.mode"
    assert len(world.store) == 0
    assert [task.number for task in world.engine.submit_many([good] * 3)] == sorted(task.number for task in world.store.many(range(10)))


@pytest.mark.parametrize(
    ("bad", "error", "field"),
    [
        ({"type": "none"}, UnknownType, "tasks.1.type"),
        ({"type": "scripted", "idempotency_key": "k"}, InvalidValue, "tasks.1.idempotency_key"),
    ],
)
async def test_what_is_wrong_among_many_is_named_by_its_place(world: World, bad: Any, error: type[Exception], field: str) -> None:
    with pytest.raises(error) as refused:
        world.engine.submit_many([LaunchRequest(type="scripted"), LaunchRequest(**bad)])
    assert getattr(refused.value, "field", None) == field


async def test_no_more_may_wait_than_the_limit_says(start: Start) -> None:
    world = await start(max_waiting=3)
    world.engine.pause("scripted")
    tasks = [world.submit() for _ in range(3)]
    with pytest.raises(WaitingFull):
        world.submit()
    with pytest.raises(WaitingFull):
        world.engine.submit_many([LaunchRequest(type="scripted_thread")])
    with pytest.raises(WaitingFull):
        world.engine.rerun(tasks[0].id)
    world.engine.cancel(tasks[0].id)
    with pytest.raises(WaitingFull):
        world.engine.submit_many([LaunchRequest(type="scripted")] * 2)
    world.submit()
    with pytest.raises(WaitingFull):
        world.engine.retry(tasks[0].id)
    assert len(world.store) == 4


async def test_finished_tasks_are_kept_up_to_a_count_and_an_age(start: Start) -> None:
    world = await start(keep_finished=5, keep_seconds=100)
    tasks = [world.submit() for _ in range(8)]
    running = world.submit("hang")
    await world.advance(1)
    assert [world.store.find(task.id) is not None for task in tasks] == [False] * 3 + [True] * 5
    await world.advance(100)
    assert len(world.store) == 1
    assert world.status(running) is Status.PROCESSING


# -- who is next


def starts(world: World) -> list[int]:
    """The numbers of tasks in the order in which they began."""
    begun = [c.after for c in world.changes if c.before and c.after and c.before.status is Status.PENDING]
    return [task.number for task in begun if task.status is Status.PROCESSING]


@pytest.fixture
def other() -> Any:
    """A second async type."""
    return handler("other", scripted.scripted.function, params=scripted.ScriptParams)


async def test_priority_and_age_hold_over_all_types(start: Start, other: Any) -> None:
    world = await start(max_running=1, types=[other])
    blocking = world.submit("hang", seconds=1)
    await world.settle()
    tasks = [world.submit(type=type, priority=priority) for priority in (0, 3, 0, 3) for type in ("scripted", "other")]
    await world.advance(2)
    assert starts(world) == [blocking.number, *(task.number for task in sorted(tasks, key=lambda task: (-task.priority, task.number)))]


async def test_no_more_of_a_type_run_than_its_limit_and_no_more_in_all(start: Start, other: Any) -> None:
    world = await start(max_running=5, concurrency={"scripted": 3}, types=[other])
    for type in ("scripted", "other"):
        for _ in range(6):
            world.submit("hang", type=type)
    await world.settle()
    assert world.store.count_of("scripted", Status.PROCESSING) == 3
    assert world.store.count_of("other", Status.PROCESSING) == 2


async def test_a_limit_that_is_raised_starts_more_and_one_that_is_lowered_stops_none(start: Start) -> None:
    world = await start(concurrency={"scripted": 2})
    for _ in range(6):
        world.submit("hang", seconds=10)
    await world.settle()
    world.engine.set_concurrency("scripted", 4)
    await world.settle()
    assert world.store.counts[Status.PROCESSING] == 4
    world.engine.set_concurrency("scripted", 1)
    await world.settle()
    assert world.store.counts[Status.PROCESSING] == 4
    await world.advance(10)
    assert world.store.counts[Status.PROCESSING] == 1
    world.engine.set_concurrency("scripted", None)
    await world.settle()
    assert world.store.counts[Status.PROCESSING] == 2


async def test_a_paused_type_starts_none_and_what_runs_goes_on(world: World) -> None:
    runs = world.submit("hang", seconds=1)
    await world.settle()
    world.engine.pause("scripted")
    waits = world.submit()
    await world.advance(2)
    assert (world.status(runs), world.status(waits)) == (Status.COMPLETED, Status.PENDING)
    world.engine.resume("scripted")
    await world.settle()
    assert world.status(waits) is Status.COMPLETED


@pytest.mark.parametrize("slots", [0, -1, 1_000_001])
async def test_an_impossible_limit_is_refused(world: World, slots: int) -> None:
    with pytest.raises(InvalidValue):
        world.engine.set_concurrency("scripted", slots)


async def test_queues_of_unknown_types_are_refused(world: World) -> None:
    for call in (world.engine.pause, world.engine.resume, lambda name: world.engine.set_concurrency(name, 1)):
        with pytest.raises(UnknownType):
            call("none")


# -- why it waits


async def test_a_waiting_task_says_why_and_where_it_stands(start: Start, other: Any) -> None:
    world = await start(max_running=3, concurrency={"scripted": 2}, types=[other])

    def waiting(task: Any) -> tuple[str, int | None] | None:
        found = world.engine.waiting(world.now(task))
        return None if found is None else (found.reason, found.position)

    first = world.submit()
    assert waiting(first) == ("starting", 1)
    await world.settle()
    assert waiting(first) is None
    for _ in range(2):
        world.submit("hang")
    await world.settle()
    full, fuller = world.submit(priority=-1), world.submit()
    assert (waiting(full), waiting(fuller)) == (("type_full", 2), ("type_full", 1))
    world.submit("hang", type="other")
    await world.settle()
    everything_full = world.submit(type="other")
    assert waiting(everything_full) == ("all_full", 1)
    world.engine.pause("other")
    assert waiting(everything_full) == ("paused", 1)
    scheduled = world.submit(run_at=later(100))
    found = world.engine.waiting(scheduled)
    assert found is not None
    assert (found.reason, found.position) == ("scheduled", None)
    assert found.eta_seconds == pytest.approx(100)


async def test_a_full_type_guesses_how_long_it_takes(start: Start) -> None:
    world = await start(concurrency={"scripted": 2})
    task = world.submit("hang", seconds=10)
    await world.advance(10.1)
    assert world.status(task) is Status.COMPLETED
    for _ in range(2):
        world.submit("hang", seconds=10)
    await world.settle()
    waits = [world.submit("hang", seconds=10) for _ in range(4)]
    guesses = [world.engine.waiting(task) for task in waits]
    assert [guess and guess.eta_seconds for guess in guesses] == pytest.approx([10, 10, 20, 20])
    assert {guess and guess.slots for guess in guesses} == {2}
    await world.advance(4)
    guesses = [world.engine.waiting(task) for task in waits]
    assert [guess and guess.eta_seconds for guess in guesses] == pytest.approx([6, 6, 16, 16])


async def test_a_guess_goes_by_how_fast_those_that_run_get_on(start: Start) -> None:
    world = await start(concurrency={"scripted": 1})
    short = world.submit("hang", seconds=1)
    await world.advance(1.1)
    assert world.status(short) is Status.COMPLETED
    running = world.submit("hang", seconds=100)
    await world.settle()
    waits = [world.submit("hang", seconds=1) for _ in range(2)]
    for count in (0, 10, 20):
        world.store.update(running.number, partial(progressed, current=count, total=100, message="", monotonic=world.clock.monotonic()))
        await world.advance(10)
    guesses = [world.engine.waiting(task) for task in waits]
    usual = world.engine.stats.typical("scripted")
    assert usual is not None
    assert [guess and guess.eta_seconds for guess in guesses] == pytest.approx([70, 70 + usual])


async def test_a_retrying_task_says_when_it_goes_on(world: World) -> None:
    task = await world.ran("fail", max_attempts=2)
    found = world.engine.waiting(world.now(task))
    assert found is not None
    assert found.reason == "retrying"
    assert found.eta_seconds == pytest.approx(1.0)


async def test_a_task_whose_type_is_gone_waits_and_says_so(world: World) -> None:
    world.engine.pause("scripted")
    task = world.submit()
    del world.registry._types["scripted"]
    world.engine.queues.get("scripted").paused = False
    other_type = world.submit(type="scripted_thread", run_at=later(1e6))
    await world.advance(5)
    found = world.engine.waiting(world.now(task))
    assert found is not None
    assert found.reason == "no_type"
    assert world.status(other_type) is Status.SCHEDULED
