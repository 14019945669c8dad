"""Schedules in virtual time: what is run, what is missed, what outlives the process, and what becomes of a clock that is set."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from tasks_app.engine import cron
from tasks_app.engine import gone as gone_room
from tasks_app.engine import schedules as room
from tasks_app.engine.bulk import bulk_type
from tasks_app.engine.errors import Conflict, IllegalTransition, InvalidParams, NotFound, NotLaunchable, UnknownType
from tasks_app.engine.schedule import Missed, Schedule, ScheduleRequest
from tasks_app.engine.schedules import Schedules
from tasks_app.engine.sooner import start_now
from tasks_app.engine.task import Status
from tasks_app.journal.null import NullJournal
from tasks_app.tests.engine.leaks import until
from tasks_app.tests.engine.virtual import EPOCH
from tasks_app.tests.engine.world import World


class Kept(NullJournal):
    """Keeps what is put beside the tasks."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}

    def put(self, name: str, record: bytes | None) -> None:
        if record is None:
            self.records.pop(name, None)
        else:
            self.records[name] = record


def asked(cron: str = "* * * * *", mode: str = "ok", **given: Any) -> ScheduleRequest:
    task = {"type": given.pop("type", "scripted"), "params": {"mode": mode}, **given.pop("task", {})}
    return ScheduleRequest.model_validate({"cron": cron, "task": task, **given})


class Repeats:
    """A world with schedules; `again` is the next process, with what the journal kept and the same tasks."""

    def __init__(self, world: World, journal: Kept) -> None:
        self.world, self.journal = world, journal
        ids = itertools.count(1)
        self.all = Schedules(world.engine, dict(journal.records), lambda: f"s-{next(ids)}")

    def add(self, *given: Any, **more: Any) -> Schedule:
        return self.all.add(asked(*given, **more), by="mira")

    def now(self, schedule: Schedule) -> Schedule:
        return self.all.get(schedule.id)

    @property
    def tasks(self) -> list[Any]:
        return self.world.store.many(sorted(self.world.store._tasks))


@pytest.fixture
async def repeats(start: Any, monkeypatch: pytest.MonkeyPatch) -> Repeats:
    world = await start()
    journal = Kept()
    monkeypatch.setattr(world.engine, "journal", journal)
    return Repeats(world, journal)


async def test_a_repeat_runs_each_time_it_is_due_and_remembers_how_that_ended(repeats: Repeats) -> None:
    made = repeats.add("* * * * *", task={"name": "each minute", "tags": ["a"], "priority": 5})
    assert made.next_at == EPOCH + 60
    await repeats.world.advance(59)
    assert repeats.tasks == []
    await repeats.world.advance(122)
    assert [task.created_at - EPOCH for task in repeats.tasks] == pytest.approx([60, 120, 180], abs=0.5)
    (task, *_) = repeats.tasks
    assert (task.name, task.tags, task.priority, task.by, task.via, task.status) == (
        "each minute",
        ("a",),
        5,
        "mira",
        "schedule",
        Status.COMPLETED,
    )
    now = repeats.now(made)
    assert [(run.due, run.status) for run in now.runs] == [
        (EPOCH + 60, "completed"),
        (EPOCH + 120, "completed"),
        (EPOCH + 180, "completed"),
    ]
    assert (now.run_count, now.missed_count, now.next_at, now.trouble) == (3, 0, EPOCH + 240, "")


async def test_a_run_that_fails_or_is_deleted_is_remembered_as_it_was(repeats: Repeats) -> None:
    made = repeats.add(mode="fail")
    other = repeats.add(mode="hang")
    await repeats.world.advance(61)
    assert [run.status for run in repeats.now(made).runs] == ["failed"]
    (run,) = repeats.now(other).runs
    assert run.status == ""
    repeats.world.engine.delete(run.task)
    assert [run.status for run in repeats.now(other).runs] == ["deleted"]


async def test_a_paused_one_does_not_run_and_what_passed_meanwhile_is_not_made_up_for(repeats: Repeats) -> None:
    made = repeats.add()
    repeats.all.pause(made.id, by="anton")
    assert (repeats.now(made).paused_by, repeats.all.next_due()) == ("anton", None)
    await repeats.world.advance(300)
    repeats.all.resume(made.id)
    assert repeats.tasks == []
    await repeats.world.advance(61)
    assert len(repeats.tasks) == 1
    assert repeats.all.resume(made.id) == repeats.now(made), "resuming what is not paused changes nothing"


async def test_run_now_is_beside_its_times(repeats: Repeats) -> None:
    made = repeats.add("0 0 1 1 *")
    task = repeats.all.run_now(made.id, by="anton")
    await repeats.world.settle()
    assert (task.by, [run.status for run in repeats.now(made).runs], repeats.now(made).next_at) == ("anton", ["completed"], made.next_at)


async def test_a_change_keeps_its_runs(repeats: Repeats) -> None:
    made = repeats.add()
    await repeats.world.advance(61)
    changed = repeats.all.change(made.id, asked("0 * * * *", timezone="Europe/Berlin", missed="skip"))
    assert (changed.cron, changed.timezone, changed.missed, len(changed.runs), changed.by) == (
        "0 * * * *",
        "Europe/Berlin",
        Missed.SKIP,
        1,
        "mira",
    )
    assert changed.next_at is not None
    assert changed.next_at % 3600 == 0


async def test_a_deleted_one_is_gone_and_its_tasks_stay(repeats: Repeats) -> None:
    made = repeats.add()
    await repeats.world.advance(61)
    repeats.all.delete(made.id)
    assert repeats.journal.records == {}
    await repeats.world.advance(120)
    assert len(repeats.tasks) == 1
    for act in (repeats.all.get, repeats.all.delete, repeats.all.pause, repeats.all.resume, repeats.all.run_now):
        with pytest.raises(NotFound):
            act(made.id)


@pytest.mark.parametrize(("missed", "runs", "left_out"), [("once", 1, 1000), ("skip", 0, 1001), ("each", 100, 901)])
async def test_of_more_missed_runs_than_are_counted_the_newest_are_made_up_for_and_it_says_that_there_were_more(
    repeats: Repeats, missed: str, runs: int, left_out: int
) -> None:
    made = repeats.add("* * * * *", missed=missed)
    before = dict(repeats.journal.records)
    repeats.all.delete(made.id)
    repeats.journal.records.update(before)
    minutes = 30 * 24 * 60
    repeats.world.clock.set_by = minutes * 60 + 30
    again = Repeats(repeats.world, repeats.journal)
    await again.world.advance(1)
    now = again.now(made)
    assert len(again.tasks) == runs
    assert {run.due for run in now.runs} == {EPOCH + 60 * (minutes - ago) for ago in range(min(runs, 12))}
    assert (now.missed_more, now.missed_count, now.missed_from) == (True, left_out, EPOCH + 60)


@pytest.mark.parametrize(("missed", "runs", "left_out"), [("once", 1, 9), ("skip", 0, 10), ("each", 10, 0)])
async def test_runs_missed_while_the_server_was_down_are_made_up_for_as_it_was_asked(
    repeats: Repeats, missed: str, runs: int, left_out: int
) -> None:
    made = repeats.add("0 * * * *", missed=missed)
    before = dict(repeats.journal.records)
    repeats.all.delete(made.id)  # nothing runs here meanwhile: the process is gone
    repeats.journal.records.update(before)
    repeats.world.clock.set_by = 10.5 * 3600
    again = Repeats(repeats.world, repeats.journal)
    await again.world.advance(1)
    now = again.now(made)
    assert (len(again.tasks), now.missed_count) == (runs, left_out)
    assert (now.missed_from, now.next_at) == (EPOCH + 3600, EPOCH + 11 * 3600)
    assert now.caught_up is not None


@pytest.mark.parametrize(("missed", "runs"), [("once", 1), ("skip", 0), ("each", 95)])
async def test_a_short_absence_is_one_as_well(repeats: Repeats, missed: str, runs: int) -> None:
    made = repeats.add("* * * * * *", missed=missed)
    before = dict(repeats.journal.records)
    repeats.all.delete(made.id)
    repeats.journal.records.update(before)
    repeats.world.clock.set_by = 95.2
    again = Repeats(repeats.world, repeats.journal)
    await again.world.advance(0.25)
    assert len(again.tasks) == runs


async def test_what_was_launched_and_not_noted_before_a_crash_is_not_launched_again(repeats: Repeats) -> None:
    made = repeats.add()
    before = dict(repeats.journal.records)
    await repeats.world.advance(61)
    assert len(repeats.tasks) == 1
    repeats.all.delete(made.id)
    repeats.journal.records.update(before)
    again = Repeats(repeats.world, repeats.journal)
    await again.world.advance(1)
    assert len(again.tasks) == 1
    assert [run.status for run in again.now(made).runs] == ["completed"]


async def test_the_next_process_knows_the_schedules_and_which_of_their_runs_go_on(repeats: Repeats) -> None:
    made = repeats.add(mode="hang")
    await repeats.world.advance(61)
    again = Repeats(repeats.world, repeats.journal)
    assert again.all.get(made.id).runs[0].status == ""
    again.world.engine.cancel(again.now(made).runs[0].task)
    await again.world.settle()
    assert again.now(made).runs[0].status == "cancelled"


async def test_a_clock_that_is_set_forward_counts_as_missed_and_one_set_back_runs_nothing_twice(repeats: Repeats) -> None:
    made = repeats.add()
    await repeats.world.advance(61)
    repeats.world.clock.set_by = 3600.0
    await repeats.world.advance(1)
    assert len(repeats.tasks) == 2, "once for all that was jumped over"
    repeats.world.clock.set_by = 0.0
    await repeats.world.advance(1)
    assert repeats.now(made).next_at == EPOCH + 120
    await repeats.world.advance(60)
    assert len(repeats.tasks) == 3
    repeats.world.clock.set_by = -61.0
    await repeats.world.advance(62)
    assert len(repeats.tasks) == 3, "12:02 comes again, and was run"


async def test_a_full_server_is_tried_again_until_the_run_counts_as_missed(repeats: Repeats, monkeypatch: pytest.MonkeyPatch) -> None:
    made = repeats.add(missed="skip")
    room_for_tasks = ["There is no room."]
    monkeypatch.setattr(repeats.world.engine.admission, "_room", lambda: room_for_tasks[0])
    await repeats.world.advance(70)
    assert (repeats.tasks, repeats.now(made).trouble) == ([], "There is no room.")
    room_for_tasks[0] = ""
    await repeats.world.advance(1)
    assert (len(repeats.tasks), repeats.now(made).trouble, repeats.now(made).missed_count) == (1, "", 0)


async def test_a_type_that_is_gone_is_said_and_its_time_passes(repeats: Repeats, monkeypatch: pytest.MonkeyPatch) -> None:
    made = repeats.add()
    monkeypatch.delitem(repeats.world.registry._types, "scripted")
    await repeats.world.advance(61)
    now = repeats.now(made)
    assert ("no task type" in now.trouble, now.missed_count, now.next_at) == (True, 1, EPOCH + 120)


async def test_a_server_that_stops_runs_nothing_more(repeats: Repeats) -> None:
    repeats.add()
    repeats.world.engine.begin_drain()
    await repeats.world.advance(61)
    assert repeats.tasks == []


async def test_secrets_are_kept_and_not_shown(repeats: Repeats) -> None:
    made = repeats.add(task={"params": {"mode": "ok", "password": "hunter2"}})
    assert b"hunter2" not in made.params
    await repeats.world.advance(61)
    (task,) = repeats.tasks
    assert b"hunter2" in (task.secrets or b"")


async def test_there_are_so_many_and_no_more(repeats: Repeats) -> None:
    repeats.all.most = 2
    repeats.add()
    repeats.add()
    with pytest.raises(Conflict):
        repeats.add()


async def test_of_many_runs_the_last_twelve_are_remembered(repeats: Repeats) -> None:
    made = repeats.add("* * * * * *")
    await repeats.world.advance(20.5)
    assert (len(repeats.now(made).runs), repeats.now(made).run_count) == (12, 20)


async def test_what_cannot_be_launched_cannot_be_scheduled(repeats: Repeats) -> None:
    repeats.world.registry.register(bulk_type(repeats.world.engine))
    for given, error in (({"type": "nosuch"}, UnknownType), ({"type": "bulk_action"}, NotLaunchable), ({"mode": 5}, InvalidParams)):
        with pytest.raises(error):
            repeats.add(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"cron": "x"},
        {"cron": "* * * * *", "timezone": "Mars"},
        {"cron": "* * * * *", "missed": "never"},
        {"cron": "* * * * *", "task": {"type": "a", "run_at": "2030-01-01T00:00:00Z"}},
        {"cron": "* * * * *", "task": {"type": "a", "idempotency_key": "k"}},
        {"cron": "* * * * *", "more": 1},
    ],
)
def test_what_is_wrong_in_a_request_is_named(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ScheduleRequest.model_validate({"task": {"type": "a"}, **given})


def test_virtual_time_begins_on_a_full_hour() -> None:
    assert EPOCH % 3600 == 0


async def test_one_that_was_deleted_is_put_back_whole_where_it_was(repeats: Repeats) -> None:
    first, other = repeats.add(mode="hang"), repeats.add("0 0 1 1 *")
    await repeats.world.advance(61)
    before = repeats.now(first)
    repeats.all.delete(first.id)
    repeats.world.engine.cancel(before.runs[0].task)
    await repeats.world.settle()
    repeats.all.restore(first.id)
    assert [one.id for one in repeats.all.all()] == [first.id, other.id]
    assert repeats.now(first) == replace(before, runs=(replace(before.runs[0], status="cancelled"),)), "what ended meanwhile is known"
    assert set(repeats.journal.records) == {f"schedule:{first.id}", f"schedule:{other.id}"}
    assert repeats.all.restore(first.id) == repeats.now(first), "asking again changes nothing"


async def test_a_time_that_came_while_it_was_deleted_is_run_once_it_is_back(repeats: Repeats) -> None:
    made = repeats.add()
    await repeats.world.advance(58)
    repeats.all.delete(made.id)
    await repeats.world.advance(5)
    assert repeats.tasks == []
    repeats.all.restore(made.id)
    await repeats.world.advance(1)
    assert [run.due for run in repeats.now(made).runs] == [EPOCH + 60]
    assert repeats.now(made).missed_count == 0


async def test_after_ten_seconds_a_deletion_is_final_and_so_few_are_kept(repeats: Repeats) -> None:
    made = repeats.add("0 0 1 1 *")
    repeats.all.delete(made.id)
    await repeats.world.advance(10.5)
    with pytest.raises(NotFound, match="too long ago"):
        repeats.all.restore(made.id)
    many = [repeats.add("0 0 1 1 *") for _ in range(gone_room.MOST + 1)]
    for one in many:
        repeats.all.delete(one.id)
    with pytest.raises(NotFound):
        repeats.all.restore(many[0].id)
    repeats.all.most = 1
    repeats.add("0 0 1 1 *")
    with pytest.raises(Conflict):
        repeats.all.restore(many[1].id)


async def test_what_is_wrong_with_one_is_no_others_affair(repeats: Repeats, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(given: Any) -> Any:
        raise ZeroDivisionError

    gone, odd, fine = repeats.add(timezone="Europe/Berlin"), repeats.add(), repeats.add()
    repeats.world.engine.registry.get("scripted")
    real_zone, real_submit = cron.zone, repeats.world.engine.submit_once
    monkeypatch.setattr(cron, "zone", lambda name: real_zone(name if name == "UTC" else "No/Where"))
    monkeypatch.setattr(
        repeats.world.engine,
        "submit_once",
        lambda asked, **by: broken(asked) if odd.id in (asked.idempotency_key or "") else real_submit(asked, **by),
    )
    await repeats.world.advance(61)
    assert [len(repeats.now(one).runs) for one in (gone, odd, fine)] == [0, 0, 1]
    assert "is no time zone" in repeats.now(gone).trouble
    assert (repeats.now(gone).next_at, repeats.now(odd).next_at) == (None, EPOCH + 120)
    assert repeats.now(odd).trouble == "Its params cannot be read any more: ZeroDivisionError."
    monkeypatch.setattr(cron, "zone", real_zone)
    again = Repeats(repeats.world, repeats.journal)
    assert again.now(gone).next_at == EPOCH + 120, "its zone is known again, and so is its next time"


async def test_a_record_of_another_version_is_left_alone_and_counted(repeats: Repeats) -> None:
    made = repeats.add()
    repeats.journal.records["schedule:x"] = b"\x93nonsense"
    again = Repeats(repeats.world, repeats.journal)
    assert ([one.id for one in again.all.all()], again.all.unreadable) == ([made.id], 1)
    assert "schedule:x" in repeats.journal.records


async def test_many_that_are_due_at_once_are_run_in_turns_and_none_counts_as_missed(repeats: Repeats) -> None:
    many = [repeats.add(missed="skip") for _ in range(2 * room.A_TURN + 1)]
    await repeats.world.advance(60.1)
    assert 0 < len(repeats.tasks) <= room.A_TURN
    await repeats.world.advance(1)
    assert {len(repeats.now(one).runs) for one in many} == {1}
    assert {repeats.now(one).missed_count for one in many} == {0}


async def test_after_a_restart_what_is_due_later_is_no_missed_run(repeats: Repeats) -> None:
    made = repeats.add(missed="skip")
    again = Repeats(repeats.world, repeats.journal)
    repeats.all.delete(made.id)
    repeats.journal.records.clear()
    await repeats.world.advance(61)
    assert (len(again.tasks), again.now(made).missed_count) == (1, 0)


async def test_whoever_keeps_the_books_hears_of_what_a_time_has_launched(repeats: Repeats) -> None:
    heard: list[tuple[str, str]] = []
    repeats.all.told = lambda schedule, task: heard.append((schedule.id, task.id))
    made = repeats.add()
    await repeats.world.advance(61)
    repeats.all.run_now(made.id, by="anton")
    assert heard == [(made.id, repeats.now(made).runs[0].task)], "what a person runs is his own deed"


async def test_a_task_that_waits_for_a_time_is_started_now(start: Any) -> None:
    world = await start()
    task = world.submit(run_at=datetime.fromtimestamp(EPOCH + 3600, UTC))
    await world.settle()
    assert start_now(world.engine, task.id).status is Status.PENDING
    await world.advance(0.3)
    assert world.store.get(task.id).status is Status.COMPLETED
    with pytest.raises(IllegalTransition):
        start_now(world.engine, task.id)


async def test_an_end_that_comes_while_a_run_is_noted_is_not_lost(repeats: Repeats, monkeypatch: pytest.MonkeyPatch) -> None:
    made, store = repeats.add(mode="hang"), repeats.world.store
    find, ending = store.find, list[threading.Thread]()

    def found(task_id: str) -> Any:
        task = find(task_id)
        if not ending:
            ending.append(threading.Thread(target=repeats.world.engine.cancel, args=[task_id], daemon=True))
            ending[0].start()
            assert until(lambda: (now := find(task_id)) is not None and now.status is Status.CANCELLED)
        return task  # as it was a moment ago

    monkeypatch.setattr(store, "find", found)
    repeats.all.run_now(made.id)
    ending[0].join(30)
    assert [run.status for run in repeats.now(made).runs] == ["cancelled"]
