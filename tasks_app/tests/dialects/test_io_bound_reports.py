"""Dialect 001, IO Bound Task API: reports on their way, their files, and what must not be reached through `/files/`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.test import AsyncRequestFactory
from msgspec.structs import replace

from tasks_app.api.dialects import io_bound
from tasks_app.engine.task import Status
from tasks_app.tests.dialects.talk import JSON, Answer, Exchange, Talk, speaking
from tasks_app.tests.engine.records import IN_STATUS

TYPED = {"Content-Type": JSON}
NAMED_X = b'{"name":"x"}'
NOT_FOUND = b'{"message":"Not Found"}\n'
NOBODY = "0b6f2f3e-5f0e-4f6b-9d5f-6f1f4b8d9a10"
SECRET = b"not for everybody"


def created(talk: Talk) -> str:
    """The id of a new report named x."""
    answer = talk.ask("POST /create-task", NAMED_X, TYPED)
    assert answer.status == 201, answer.body
    task_id = str(answer.json["id"])
    assert answer.body == shown(task_id, "pending")
    return task_id


def ended(talk: Talk, task_id: str) -> Answer:
    """The report's answer once it is no longer pending."""
    return talk.until(f"GET /poll-task/{task_id}", lambda answer: answer.json["status"] != "pending")


def polled(task_id: str, status: str, spelling: str = "") -> Exchange:
    """A report that is found."""
    return Exchange(f"GET /poll-task/{spelling or task_id}", 200, shown(task_id, status), TYPED)


def shown(task_id: str, status: str) -> bytes:
    """What polling says of a report named x."""
    path = f"files/task_{task_id}.json" if status == "completed" else ""
    return f'{{"id":"{task_id}","name":"x","status":"{status}","file_path":"{path}"}}\n'.encode()


def content(task_id: str, *steps: str) -> bytes:
    """What the file holds after these steps."""
    entries = ",\n".join(f'    "{number}": "{step} step for {task_id}"' for number, step in enumerate(steps, 1))
    return f"{{\n{entries}\n}}".encode()


def test_a_report_is_pending_until_its_file_has_both_steps(spoken):
    with spoken.paused("two_step_report"):
        task_id = created(spoken)
        polled(task_id, "pending").held(spoken)
        Exchange(f"GET /files/task_{task_id}.json", 404, NOT_FOUND, TYPED).held(spoken)
    assert ended(spoken, task_id).body == shown(task_id, "completed")
    Exchange(f"GET /files/task_{task_id}.json?x=y", 200, content(task_id, "first", "second"), TYPED).held(spoken)
    task = spoken.ask(f"GET /api/v2/tasks/{task_id}").json
    assert (task["type"], task["via"], task["params"]) == ("two_step_report", "io_bound", {"name": "x", "pause": 0.2})
    assert task["duration_seconds"] > 0.39, "a pause before each of the two steps; a timer may be a moment early"


def test_a_report_is_found_by_every_spelling_of_its_id(spoken):
    task_id = created(spoken)
    ended(spoken, task_id)
    bare = task_id.replace("-", "")
    spellings = (task_id.upper(), bare, bare.upper(), f"{{{task_id}}}", f"%7b{task_id.upper()}%7D", f"urn:uuid:{task_id}")
    for spelling in (*spellings, f"URN:UUID:{task_id.upper()}", f"{task_id}?any=query", task_id.replace("-", "%2D")):
        polled(task_id, "completed", spelling).held(spoken)


def test_the_file_can_be_read_after_the_first_step_while_the_task_is_pending(tmp_path):
    assert any(_seen_after_the_first_step(tmp_path / pause, pause) for pause in ("1", "8", "60")), "a machine may stand still meanwhile"


def _seen_after_the_first_step(folder: Path, pause: str) -> bool:
    """Look on while a report is made; whether somebody who looked in the middle found the first step alone, in a pending task."""
    folder.mkdir()
    with speaking(folder, IOTASK_REPORT_PAUSE=pause) as talk:
        task_id = created(talk)
        seen: list[tuple[bytes, str]] = []
        while not seen or seen[-1][1] == "pending":
            answer = talk.ask(f"GET /files/task_{task_id}.json")
            seen.append((answer.body, talk.ask(f"GET /poll-task/{task_id}").json["status"]))
        first, both = content(task_id, "first"), content(task_id, "first", "second")
        found = list(dict.fromkeys(body for body, _status in seen))
        assert found == [body for body in (NOT_FOUND, first, both) if body in found]
        assert talk.ask(f"GET /files/task_{task_id}.json").body == both
    return (first, "pending") in seen


def test_many_readers_never_see_a_part_of_a_file(spoken):
    def read(task_id: str) -> None:
        states = [NOT_FOUND, content(task_id, "first"), content(task_id, "first", "second")]
        while states:
            body = spoken.ask(f"GET /files/task_{task_id}.json").body
            assert body in states, "neither the file as it was, nor as it is now"
            states = states[states.index(body) :] if body != states[-1] else []

    with ThreadPoolExecutor(8) as readers:
        list(readers.map(read, [created(spoken) for _ in range(8)]))


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    """A server whose reports take longer than any test, with room for few that wait."""
    with speaking(tmp_path_factory.mktemp("slow"), IOTASK_REPORT_PAUSE="600", IOTASK_MAX_WAITING="11") as talk:
        yield talk


def at_work(talk: Talk, status: str) -> int:
    """How many tasks are in this status, as the native API counts them."""
    return int(talk.ask(f"GET /api/v2/tasks?status={status}&limit=1").json["total"])


def test_eleven_at_once_are_answered_at_once_and_past_the_bound_of_waiting_tasks_nobody_is(slow):
    with ThreadPoolExecutor(11) as clients:
        assert len(list(clients.map(lambda _: created(slow), range(11)))) == 11, "nobody waited for the end of a report"
    slow.until("GET /healthz", lambda _: (at_work(slow, "processing"), at_work(slow, "pending")) == (10, 1))
    waiting = slow.ask("GET /api/v2/tasks?status=pending").json["items"][0]["id"]
    polled(waiting, "pending").held(slow)
    for _ in range(10):
        created(slow)
    full = slow.ask("POST /create-task", NAMED_X, TYPED)
    assert (full.status, list(full.json), full.header("Content-Type")) == (503, ["message"], JSON)
    assert int(full.header("Retry-After") or 0) > 0
    running = slow.ask("GET /api/v2/tasks?status=processing").json["items"][0]["id"]
    for task_id in (waiting, running):
        assert slow.ask(f"POST /api/v2/tasks/{task_id}/cancel").status == 202
        assert ended(slow, task_id).body == shown(task_id, "failed")
    assert slow.ask(f"DELETE /api/v2/tasks/{running}").status == 204
    unknown = f'{{"error":"Task GET request error: Task with id {running} not found"}}\n'
    Exchange(f"GET /poll-task/{running}", 404, unknown.encode(), TYPED).held(slow)


def test_a_report_that_cannot_be_written_has_failed(tmp_path):
    (tmp_path / "taken").write_text("no folder")
    with speaking(tmp_path, FILES_DIR=str(tmp_path / "taken" / "files"), IOTASK_REPORT_PAUSE="0") as talk:
        task_id = created(talk)
        assert ended(talk, task_id).body == shown(task_id, "failed")
        error = talk.ask(f"GET /api/v2/tasks/{task_id}").json["error"]
        assert (error["type"], error["message"]) == ("NotSaved", "The report could not be saved: not a directory")
        Exchange(f"GET /files/task_{task_id}.json", 404, NOT_FOUND, TYPED).held(talk)


def test_a_folder_that_goes_and_comes_back_is_made_again(tmp_path):
    with speaking(tmp_path, IOTASK_REPORT_PAUSE="0") as talk:
        folder = tmp_path / "files"
        folder.rmdir()  # made at the start
        folder.write_text("in the way")
        lost = created(talk)
        assert ended(talk, lost).body == shown(lost, "failed")
        folder.unlink()
        kept = created(talk)
        assert ended(talk, kept).body == shown(kept, "completed")
        assert [path.name for path in folder.iterdir()] == [f"task_{kept}.json"]


def test_tasks_that_came_another_way_are_unknown(spoken):
    sent = b'{"type":"two_step_report","params":{"name":"x","pause":0}}'
    other = spoken.ask("POST /api/v2/tasks", sent, TYPED).json["id"]
    unknown = f'{{"error":"Task GET request error: Task with id {other} not found"}}\n'
    Exchange(f"GET /poll-task/{other}", 404, unknown.encode(), TYPED).held(spoken)


WELL_NAMED = f"task_{NOBODY}.json"
UP = (
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    ".%2e/",
    "..\\",
    "..%5c",
    "%252e%252e%252f",
    "....//",
    "./../",
    "..%c0%af",
    "..;/",
    "%2e%2e%5c",
)
OUTSIDE = [
    *(f"{up * times}secret.json" for up in UP for times in (1, 2)),
    *(f"{up}{WELL_NAMED}" for up in UP),
    *(f"{up}files/{WELL_NAMED}" for up in UP),
    *(f"task_{NOBODY}.json/{up}secret.json" for up in UP),
    *(f"{WELL_NAMED}{end}" for end in ("%00", "%00.txt", "/", "%2f", "%0a", "%20", ".", "::$DATA", "~", ".part", "/.")),
    *(f"{start}{WELL_NAMED}" for start in ("/", "%2f", "./", ".%2f", ".", "%00", "%20", "sub/", "~/", "C:%5c", "file:")),
    ".",
    "..",
    "%2e",
    "%2e%2e",
    "",
    "%00",
    "a" * 6000,
    "../" * 2000 + "etc/passwd",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    WELL_NAMED.upper(),
    f"task_{NOBODY.upper()}.json",
    f"task_{NOBODY}.JSON",
    "secret.json",
    "task_.json",
    "task_*.json",
    f".{WELL_NAMED}.part",
    "%ff",
    "%",
    "%zz",
]


@pytest.fixture(scope="module")
def guarded(spoken: Talk) -> Talk:
    """The server with things in its folder of files, and above it, that are nobody's business."""
    assert spoken.folder is not None
    folder = spoken.folder / "files"
    (folder / "sub").mkdir(exist_ok=True)  # the server outlives the module
    for path in (spoken.folder / "secret.json", spoken.folder / WELL_NAMED, folder / "secret.json", folder / "sub" / WELL_NAMED):
        path.write_bytes(SECRET)
    (folder / f".{WELL_NAMED}.part").write_bytes(SECRET)
    (folder / f"{WELL_NAMED}.part").write_bytes(SECRET)
    return spoken


@pytest.mark.parametrize("name", OUTSIDE, ids=[name[:60] for name in OUTSIDE])
def test_nothing_but_reports_is_served(guarded, name):
    Exchange(f"GET /files/{name}", 404, NOT_FOUND, TYPED).held(guarded)


@pytest.mark.parametrize(
    "target", ["/files/../secret.json", "/files/%2e%2e/secret.json", "/files//../secret.json", "/files/\\..\\secret.json"]
)
def test_an_absolute_target_leads_no_further(guarded, target):
    answer = guarded.ask(f"GET http://localhost:{guarded.port}{target}")
    assert (answer.status, answer.body) == (404, NOT_FOUND)


@pytest.mark.parametrize("target", ["/files/task_\0.json", f"/files/{WELL_NAMED}\xff", "/files/\xe4.json"])
def test_what_no_target_may_contain_is_refused(guarded, target):
    answer = guarded.ask(f"GET {target}")
    assert answer.status in (400, 404)
    assert SECRET not in answer.body


def _linked(path: Path) -> None:
    path.symlink_to(path.parent.parent / "secret.json")


def _filled(path: Path) -> None:
    path.write_bytes(b"x" * (io_bound.MAX_FILE + 1))


@pytest.mark.parametrize("made", [_linked, os.mkfifo, Path.mkdir, _filled])
def test_a_report_is_a_small_regular_file_or_nothing(guarded, made, request):
    path = guarded.folder / "files" / WELL_NAMED
    made(path)
    request.addfinalizer(path.rmdir if path.is_dir() and not path.is_symlink() else path.unlink)
    Exchange(f"GET /files/{WELL_NAMED}", 404, NOT_FOUND, TYPED).held(guarded)


@pytest.mark.parametrize("status", Status)
async def test_every_status_has_its_word(now, status):
    now.store.add([replace(IN_STATUS[status](), id=NOBODY, params=NAMED_X, via="io_bound")])
    answer = await io_bound.poll(AsyncRequestFactory().get(f"/poll-task/{NOBODY}"), NOBODY)
    failed = (Status.FAILED, Status.CANCELLED, Status.INTERRUPTED)
    word = "completed" if status is Status.COMPLETED else "failed" if status in failed else "pending"
    assert json.loads(answer.content) == json.loads(shown(NOBODY, word))
