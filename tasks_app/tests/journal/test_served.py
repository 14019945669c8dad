"""The journal under a real server: killed, refused a second process, out of room, and stopped in order."""

from __future__ import annotations

import resource
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasks_app.tests.processes import PATIENCE, Started, started

ROUNDS = 3  # kills
CLIENTS = 8


@contextmanager
def serving(folder: Path, name: str, **more: str) -> Iterator[Started]:
    """A server on the journal of a folder, ready to answer."""
    variables = {"IOTASK_JOURNAL": str(folder / "tasks.journal"), "IOTASK_GRACE_SECONDS": "0", **more}
    with started(folder / name, "manage.py", "serve", "-p", "0", **variables) as process:
        process.wait_until(lambda: bool(process.url))
        yield process


class Launches(threading.Thread):
    """A client that launches until the server is gone, and remembers what was acknowledged."""

    def __init__(self, url: str, gone: threading.Event) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._gone = gone
        self.acknowledged: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self._url) as client:
            while True:
                try:
                    answer = client.post("/api/v2/tasks", json={"type": "double", "params": {"value": 1}})
                except httpx.TransportError:  # also of a connection on which a slow machine said nothing for too long
                    if self._gone.wait(0.01):
                        return
                    continue
                if answer.status_code == 201:
                    self.acknowledged.append(answer.json()["id"])


def test_what_was_acknowledged_is_there_after_every_kill_and_once(tmp_path: Path) -> None:
    acknowledged = [task_id for number in range(ROUNDS) for task_id in _until_killed(tmp_path, number)]
    with serving(tmp_path, "last") as server, httpx.Client(base_url=server.url) as client:
        found = [client.get(f"/api/v2/tasks/{task_id}").status_code for task_id in acknowledged]
        assert len(acknowledged) == len(set(acknowledged)) > ROUNDS * 40
        assert found == [200] * len(acknowledged)
    with sqlite3.connect(tmp_path / "tasks.journal") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*), count(DISTINCT number) FROM tasks").fetchone()[0] >= len(acknowledged)
    database.close()


def test_what_ran_is_interrupted_what_waited_waits_and_numbers_go_on(tmp_path: Path) -> None:
    with serving(tmp_path, "first", IOTASK_LIMITS="count=1") as server, httpx.Client(base_url=server.url) as client:
        running, waiting = (_launch(client, type="count", params={"to": 9999})["id"] for _ in range(2))
        later = _launch(client, type="count", run_at="2999-01-01T00:00:00Z")["id"]
        again = _launch(client, type="count", params={"to": 9999}, max_attempts=2, priority=9)["id"]
        assert client.post("/tasks", json={"result": 4}).json()["id"] == 1
        server.wait_until(lambda: _began(client, running))
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(60)
    with serving(tmp_path, "second", IOTASK_LIMITS="count=1") as server, httpx.Client(base_url=server.url) as client:
        task = client.get(f"/api/v2/tasks/{running}").json()
        assert (task["status"], task["attempts"][0]["outcome"], task["started_at"] is not None) == ("interrupted", "interrupted", True)
        (told,) = (line for line in server.log if line["event"] == "tasks_kept")
        assert (told["level"], told["scheduled"], "again" in told) == ("warning", 1, False)
        assert told["interrupted"] >= 1  # and the doubling, which waits, runs or has ended
        assert told["waiting"] >= 2
        server.wait_until(lambda: _began(client, again))  # of what waited the first in line
        assert (_status(client, waiting), _status(client, later)) == ("pending", "scheduled")
        assert client.post("/tasks", json={"result": 4}).json()["id"] == 2
        assert client.post(f"/api/v2/tasks/{running}/retry").status_code == 202
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(60)
    with serving(tmp_path, "third", IOTASK_LIMITS="count=1") as server, httpx.Client(base_url=server.url) as client:
        server.wait_until(lambda: _status(client, again) == "processing")  # idempotent, and one attempt was left
        assert [attempt["outcome"] for attempt in client.get(f"/api/v2/tasks/{again}").json()["attempts"]] == ["interrupted", None]
        assert _status(client, running) == "pending"  # its retry outlived the second kill


def test_a_cancel_of_a_job_that_is_not_there_yet_and_an_idempotency_key_outlive_a_kill(tmp_path: Path) -> None:
    asked: dict[str, Any] = {
        "json": {"type": "double", "params": {"value": 1}},
        "headers": {"Idempotency-Key": "of a client that heard nothing"},
    }
    with serving(tmp_path, "first") as server, httpx.Client(base_url=server.url) as client:
        first = client.post("/api/v2/tasks", **asked).json()["id"]
        assert [client.post(path).status_code for path in ("/job", "/job/1/cancel", "/job/2/cancel", "/job")] == [200] * 4
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(60)
    with serving(tmp_path, "second", IOTASK_JOB_SECONDS="0.01") as server, httpx.Client(base_url=server.url) as client:
        again = client.post("/api/v2/tasks", **asked)
        assert (again.status_code, again.json()["id"]) == (200, first)
        assert client.post("/api/v2/tasks", **{**asked, "json": {"type": "count"}}).status_code == 409
        assert client.get("/job/2/status").json()["Data"] == {"id": 2, "status": "canceled"}
        assert [client.post("/job").headers["location"] for _ in range(2)] == ["/job/2/status", "/job/3/status"]
        server.wait_until(lambda: client.get("/job/3/status").json()["Data"]["status"] == "done")
        assert [client.get(f"/job/{number}/status").json()["Data"]["status"] for number in (1, 2)] == ["canceled"] * 2


def test_an_orderly_end_keeps_what_waits_and_interrupts_what_runs(tmp_path: Path) -> None:
    with serving(tmp_path, "first", IOTASK_LIMITS="count=1") as server, httpx.Client(base_url=server.url) as client:
        running, waiting = (_launch(client, type="count", params={"to": 9999})["id"] for _ in range(2))
        server.wait_until(lambda: _began(client, running))
        deleted = _launch(client, type="count")["id"]
        assert client.delete(f"/api/v2/tasks/{deleted}").status_code == 204
        assert server.stop() == 0, server.said
    with serving(tmp_path, "second", IOTASK_LIMITS="count=1") as server, httpx.Client(base_url=server.url) as client:
        assert _status(client, running) == "interrupted"
        server.wait_until(lambda: _status(client, waiting) == "processing")
        assert client.get(f"/api/v2/tasks/{deleted}").status_code == 404
        assert server.stop() == 0, server.said


def test_a_second_process_on_the_journal_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with serving(tmp_path, "first") as server:
        journal = str(tmp_path / "tasks.journal")
        with started(tmp_path / "second", "manage.py", "serve", "-p", "0", IOTASK_JOURNAL=journal) as second:
            assert second.process.wait(PATIENCE) == 1
            assert "is in use by another process" in second.said
            assert "Traceback" not in second.said
        assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_without_room_new_tasks_are_refused_and_all_heals_when_there_is_room_again(tmp_path: Path) -> None:
    with serving(tmp_path, "output", LOG_LEVEL="warning") as server, httpx.Client(base_url=server.url) as client:
        running = _launch(client, type="count", params={"to": 9999, "interval": 0.1})["id"]
        server.wait_until(lambda: _began(client, running))
        no_room(server, 1)
        refused = client.post("/api/v2/tasks", json={"type": "count"})
        assert (refused.status_code, refused.json()["code"]) == (507, "not_written")
        again = client.post("/api/v2/tasks", json={"type": "count"})
        assert (again.status_code, again.json()["code"]) == (507, "journal_failed")
        assert client.get("/readyz").status_code == 503
        assert "The journal cannot be written" in client.get("/readyz").json()["detail"]
        assert "The journal cannot be written" in client.get("/").text
        assert client.post("/tasks", json={"result": 1}).status_code in (503, 507)
        before = client.get(f"/api/v2/tasks/{running}").json()["progress"]["current"]
        server.wait_until(lambda: client.get(f"/api/v2/tasks/{running}").json()["progress"]["current"] > before)
        no_room(server, resource.RLIM_INFINITY)
        server.wait_until(lambda: client.get("/readyz").status_code == 200)
        server.wait_until(lambda: "The journal can be written again." in server.said)  # that it cannot had no room in a log either
        kept = _launch(client, type="count", params={"to": 9999})["id"]
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(60)
    with serving(tmp_path, "after") as server, httpx.Client(base_url=server.url) as client:
        assert client.get(f"/api/v2/tasks/{kept}").status_code == 200


@pytest.mark.parametrize("heals", [True, False])
def test_without_room_a_cancel_is_done_and_said_not_to_be_written_and_a_delete_is_not_begun(tmp_path: Path, heals: bool) -> None:
    forever = {"to": 9999, "interval": 0.1}
    with serving(tmp_path, "output") as server, httpx.Client(base_url=server.url) as client:
        tasks = [_launch(client, type="count", params=forever)["id"] for _ in range(3)]
        schedule = client.post("/api/v2/schedules", json={"cron": "0 0 1 1 *", "task": {"type": "count"}}).json()["id"]
        server.wait_until(lambda: all(_began(client, task) for task in tasks))
        no_room(server, 1)
        for cancelled in tasks[:2]:  # the first finds out that there is no room, the second knows
            answer = client.post(f"/api/v2/tasks/{cancelled}/cancel")
            assert (answer.status_code, answer.json()["code"]) == (507, "not_written")
            server.wait_until(lambda: client.get(f"/api/v2/tasks/{cancelled}").json()["status"] == "cancelled")  # noqa: B023
        for path in (f"/api/v2/tasks/{tasks[2]}", f"/api/v2/tasks/{tasks[0]}", f"/api/v2/schedules/{schedule}"):
            refused = client.delete(path)
            assert (refused.status_code, refused.json()["code"]) == (507, "journal_failed")
            assert client.get(path).status_code == 200
        assert client.patch("/api/v2/queues/count", json={"paused": True}).status_code == 200
        if heals:
            no_room(server, resource.RLIM_INFINITY)
            server.wait_until(lambda: client.get("/readyz").status_code == 200)
            assert client.delete(f"/api/v2/tasks/{tasks[0]}").status_code == 204
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(60)
    with serving(tmp_path, "after") as server, httpx.Client(base_url=server.url) as client:
        shown = [client.get(f"/api/v2/tasks/{task}") for task in tasks]
        found = [answer.json()["status"] if answer.status_code == 200 else None for answer in shown]
        assert found == ([None, "cancelled", "interrupted"] if heals else ["interrupted"] * 3)
        assert client.get(f"/api/v2/schedules/{schedule}").status_code == 200


@pytest.mark.parametrize("content", [b"no database at all " * 400, None])
def test_a_file_that_cannot_be_used_stops_the_start_with_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    journal = tmp_path / "tasks.journal"
    if content is None:
        journal = tmp_path / "nowhere" / "tasks.journal"
    else:
        journal.write_bytes(content)
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", IOTASK_JOURNAL=str(journal)) as server:
        assert server.process.wait(60) == 1
        assert str(journal) in server.said
        assert "Traceback" not in server.said


def _until_killed(folder: Path, number: int) -> list[str]:
    """Launch from several clients at once and kill the server in the middle of it; the ids it acknowledged."""
    with serving(folder, f"round{number}") as server:
        gone = threading.Event()
        clients = [Launches(server.url, gone) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        server.wait_until(lambda: sum(len(client.acknowledged) for client in clients) > 40 * (number + 1))
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(60)
        gone.set()
        for client in clients:
            client.join(60)
    return [task_id for client in clients for task_id in client.acknowledged]


def no_room(server: Started, size: int) -> None:
    """Let no file of the server grow past a size: what a full disk does, to this process alone."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def _launch(client: httpx.Client, **asked: Any) -> Any:
    answer = client.post("/api/v2/tasks", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


def _began(client: httpx.Client, task_id: str) -> bool:
    """Whether its handler runs: then its start is on disk. The status alone is told a moment before."""
    return client.get(f"/api/v2/tasks/{task_id}").json()["progress"] is not None


def _status(client: httpx.Client, task_id: str) -> Any:
    return client.get(f"/api/v2/tasks/{task_id}").json()["status"]
