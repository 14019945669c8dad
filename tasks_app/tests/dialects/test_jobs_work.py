"""Dialect 002 at work: cancels that hold, tries that end, slots, and many clients at once."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tasks_app.tests.dialects.talk import Talk, speaking
from tasks_app.tests.processes import started

PATIENT = b'{"timeout":3600000000000,"data":"slow"}'
LONG = {"IOTASK_JOB_SECONDS": "604800", "IOTASK_JOB_TIMEOUT": "3600", "IOTASK_HANDLERS": "tasks_app.tests.long_jobs"}


@pytest.fixture
def fresh(tmp_path) -> Iterator[Talk]:
    """A server where no job was before, with short work."""
    with speaking(tmp_path) as talk:
        yield talk


@pytest.fixture
def slow(tmp_path) -> Iterator[Talk]:
    """A server whose jobs take very long, with two slots for first tries."""
    with speaking(tmp_path, "-twrk", "2", **LONG) as talk:
        yield talk


def post(talk: Talk, body: bytes | None = None) -> int:
    """A new job's id."""
    answer = talk.ask("POST /job", body)
    assert answer.status == 200, answer.body
    return int(str(answer.header("Location")).split("/")[2])


def word(talk: Talk, serial: int) -> str:
    return str(talk.ask(f"GET /job/{serial}/status").json["Data"]["status"])


def words(talk: Talk) -> dict[int, str]:
    return {job["id"]: job["status"] for job in talk.ask("GET /job/all").json["Data"]["tasks"]}


def becomes(talk: Talk, serial: int, *wanted: str) -> None:
    talk.until(f"GET /job/{serial}/status", lambda answer: answer.json["Data"]["status"] in wanted)


def task_of(talk: Talk, serial: int) -> Any:
    """The job as the native API shows it, with its attempts."""
    found = talk.ask("GET /api/v2/tasks?type=message&limit=100").json["items"]
    task_id = next(task["id"] for task in found if task["serial"] == serial)
    return talk.ask(f"GET /api/v2/tasks/{task_id}").json


def test_a_job_that_executes_is_canceled_at_once_and_for_good(slow):
    serial = post(slow, PATIENT)
    becomes(slow, serial, "executing")
    assert slow.ask(f"POST /job/{serial}/cancel").status == 200
    assert word(slow, serial) == "canceled"
    slow.until(f"GET /api/v2/tasks/{task_of(slow, serial)['id']}", lambda answer: answer.json["status"] == "cancelled")
    others = [post(slow, PATIENT) for _ in range(2)]  # its slot is free
    for other in others:
        becomes(slow, other, "executing")
    assert word(slow, serial) == "canceled"
    assert [attempt["outcome"] for attempt in task_of(slow, serial)["attempts"]] == ["cancelled"]


def test_jobs_wait_for_one_of_their_slots_and_are_listed_meanwhile(slow):
    serials = [post(slow, PATIENT) for _ in range(5)]
    becomes(slow, serials[1], "executing")
    assert words(slow) == {0: "executing", 1: "executing", 2: "waiting", 3: "waiting", 4: "waiting"}
    assert slow.ask("POST /job/3/cancel").status == slow.ask("POST /job/0/cancel").status == 200
    becomes(slow, 2, "executing")
    assert words(slow) == {0: "canceled", 1: "executing", 2: "executing", 3: "canceled", 4: "waiting"}


def test_a_job_that_was_canceled_before_it_existed_never_runs(fresh):
    assert fresh.ask("POST /job/1/cancel").status == 200
    assert [post(fresh), post(fresh)] == [0, 1]
    becomes(fresh, 0, "done")
    assert word(fresh, 1) == "canceled"
    canceled = task_of(fresh, 1)
    assert (canceled["status"], canceled["attempts"]) == ("cancelled", [])


def test_a_job_that_times_out_three_times_fails_after_exactly_three_attempts(slow):
    serial = post(slow, b'{"timeout":50000000,"data":"short of time"}')
    becomes(slow, serial, "failed")
    task = task_of(slow, serial)
    assert [(attempt["number"], attempt["outcome"]) for attempt in task["attempts"]] == [
        (1, "timed_out"),
        (2, "timed_out"),
        (3, "timed_out"),
    ]
    assert all(attempt["duration_seconds"] > 0.04 for attempt in task["attempts"])  # timers count whole milliseconds
    assert task["error"]["type"] == "Timeout"


def test_the_common_timeout_bounds_every_try(tmp_path):
    with speaking(tmp_path, "-t", "100", IOTASK_JOB_SECONDS="604800", IOTASK_HANDLERS="tasks_app.tests.long_jobs") as talk:
        serial = post(talk, PATIENT)
        becomes(talk, serial, "failed")
        assert [attempt["outcome"] for attempt in task_of(talk, serial)["attempts"]] == ["timed_out"] * 3


def test_reruns_do_not_wait_for_slots_of_first_tries(tmp_path):
    with speaking(tmp_path, "-twrk", "1", "-rwrk", "1", **LONG) as talk:
        short = post(talk, b'{"timeout":400000000}')
        patient = post(talk, PATIENT)
        becomes(talk, patient, "executing")  # the first slot is its own from now on
        becomes(talk, short, "executing", "failed")
        becomes(talk, short, "failed")
        assert word(talk, patient) == "executing"
        assert len(task_of(talk, short)["attempts"]) == 3


def test_a_burst_of_200_gets_the_ids_from_0_to_199_each_once(fresh):
    with ThreadPoolExecutor(40) as pool:
        serials = list(pool.map(lambda _: post(fresh), range(200)))
    assert sorted(serials) == list(range(200))
    assert sorted(words(fresh)) == list(range(200))
    for serial in serials:
        becomes(fresh, serial, "done")


def test_reading_the_list_hard_while_jobs_come_and_are_canceled_always_gives_a_whole_list(fresh):
    read: list[list[int]] = []
    statuses: Counter[str] = Counter()
    posting = threading.Event()

    def read_on() -> None:
        while not posting.is_set():
            found = json.loads(fresh.ask("GET /job/all").body)["Data"]["tasks"]
            read.append([job["id"] for job in found])
            statuses.update(job["status"] for job in found)

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read_on) for _ in range(4)]
        writers = [pool.submit(post, fresh) for _ in range(300)]
        cancels = [pool.submit(fresh.ask, f"POST /job/{serial}/cancel") for serial in range(0, 400, 7)]
        for writer in writers:
            writer.result()
        while len(read) <= 20:  # on a machine that stands still now and then, writers may be done before readers have begun
            time.sleep(0.01)
        posting.set()
        for reader in readers:
            reader.result()
    assert {cancel.result().status for cancel in cancels} == {200}
    assert all(ids == sorted(set(ids)) for ids in read)
    assert statuses.keys() <= {"waiting", "executing", "done", "canceled"}
    assert set(range(300)) <= words(fresh).keys()


def test_a_server_that_stops_takes_no_more_jobs_and_still_answers(tmp_path):
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", **LONG, IOTASK_GRACE_SECONDS="600") as process:
        talk = Talk(process.url)
        post(talk, PATIENT)
        becomes(talk, 0, "executing")
        process.process.send_signal(signal.SIGTERM)
        process.wait_until(lambda: "Stopping" in process.said)
        refused = talk.ask("POST /job")
        assert refused.json == {"Status": 503, "Data": {"errors": "The server is stopping and takes no new work."}}
        assert (refused.status, refused.header("Retry-After"), words(talk)) == (503, "10", {0: "executing"})
        assert process.stop() == 0, process.said
