"""The page of one task, as a browser gets it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tasks_app import runtime
from tasks_app.engine import task as t
from tasks_app.engine.task import Task, TaskError
from tasks_app.engine.trail import MAX_LINES
from tasks_app.presenters.details import detail_slots
from tasks_app.runtime import Runtime
from tasks_app.tests.engine.records import a_task
from tasks_app.tests.presenters.pages import SMUGGLED, UUID, Reader, lives, smuggled_in, still
from tasks_app.tests.web.conftest import Browser


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The runtime the page looks at; nothing runs in it."""
    with still() as made:
        monkeypatch.setattr(runtime, "get", lambda: made)
        yield made


def put(now: Runtime, task: Task) -> str:
    """Take a task in; its path."""
    task = replace(task, id=UUID.format(task.number))
    now.store.add([task])
    return f"/tasks/{task.id}"


async def got(path: str) -> str:
    """A page that is there."""
    answer = await Browser().get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("life", lives())
async def test_every_state_has_a_page(now: Runtime, life: str) -> None:
    html = await got(put(now, replace(lives()[life](), type="ping", name="Oslo", tags=("edge",), params=b'{"address":"a.example"}')))
    text = Reader(html).text
    assert "a.example:80 · 200 probes, 1 s apart" in text
    assert "Oslo" in text
    assert "edge" in text


async def test_the_page_says_where_it_listens_and_which_task_it_shows(now: Runtime) -> None:
    path = put(now, lives()["processing"]())
    reader = Reader(await got(path))
    assert ("data-live", f"/live{path}") in reader.attributes
    assert ("data-task", path.removeprefix("/tasks/")) in reader.attributes
    assert ("data-status", "processing") in reader.attributes


async def test_the_page_has_an_element_for_each_slot(now: Runtime) -> None:
    path = put(now, lives()["failed"]())
    task = now.store.by_number(1)
    assert task is not None
    reader = Reader(await got(path))
    wanted = {name for name in detail_slots(now, task) if not name.startswith("data-")}
    assert {value for name, value in reader.attributes if name == "data-slot"} == wanted


async def test_no_id_stands_twice_on_a_page_and_each_label_leads_somewhere(now: Runtime) -> None:
    path = put(now, lives()["failed"]())
    for second in range(200):
        now.store.trail(1).measure("Round-trip", None if second == 3 else second, seconds=second, unit="ms")
    reader = Reader(await got(path))
    ids = [value for name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    named = [part for name, value in reader.attributes if name in ("aria-labelledby", "for") for part in value.split()]
    assert set(named) <= set(ids)
    assert {value[1:] for name, value in reader.attributes if name == "data-copy"} <= set(ids)


async def test_params_are_shown_with_their_secrets_masked(now: Runtime) -> None:
    task = a_task(1, params=b'{"user":"ann","password":"**********"}', secrets=b'{"user":"ann","password":"hunter2"}')
    html = await got(put(now, task))
    assert "password" in html
    assert "**********" in html
    assert "hunter2" not in html


async def test_a_rerun_links_to_the_task_it_repeats(now: Runtime) -> None:
    first = put(now, lives()["completed"]())
    html = await got(put(now, a_task(2, rerun_of=UUID.format(1))))
    assert f'<a class="link" href="{first}">task 1</a>' in html


async def test_a_rerun_of_a_task_that_is_gone_says_so(now: Runtime) -> None:
    assert "a task that is gone" in await got(put(now, a_task(2, rerun_of=UUID.format(1))))


@pytest.mark.parametrize("life", ["pending", "failed", "stuck", "with progress"])
@pytest.mark.parametrize("text", SMUGGLED)
async def test_nothing_a_user_wrote_becomes_part_of_the_page(now: Runtime, life: str, text: str) -> None:
    clean = Reader(await got(put(now, lives()[life]())))
    error = TaskError(text, text, f'  File "{text}", line 1, in {text}\n    {text}\n{text}')
    task = replace(lives()[life](), number=2, name=text, tags=(text,), by=text, via=text, params=json.dumps({text: text}).encode())
    task = replace(task, error=error, result=json.dumps(text).encode()) if task.status in t.TERMINAL else task
    path = put(now, task)
    now.store.trail(2).log(at=1, seconds=1, attempt=1, level="info", text=text)
    html = await got(path)
    assert len(smuggled_in(html)) == clean.tags.count("script")  # those of the page itself
    assert text in "".join(Reader(html).texts)


@pytest.mark.parametrize("path", [f"/tasks/{UUID.format(404)}", "/tasks/nonsense", f"/tasks/{UUID.format(1).upper()}", "/tasks/%00"])
async def test_a_task_that_is_not_there_is_a_friendly_404(now: Runtime, path: str) -> None:
    answer = await Browser().get(path)
    assert answer.status_code == 404
    assert "This task is not here" in answer.content.decode()


async def test_the_page_answers_get_and_head_only(now: Runtime) -> None:
    path = put(now, lives()["processing"]())
    assert (await Browser().head(path)).status_code == 200
    assert (await Browser().post(path)).status_code == 405


async def test_the_log_is_on_the_page_with_every_line_kept(now: Runtime) -> None:
    path = put(now, lives()["processing"]())
    for number in range(3):
        now.store.trail(1).log(at=60, seconds=number, attempt=1, level="info", text=f"line {number}")
    html = await got(path)
    assert html.count("<li data-seq=") == 3
    assert "line 2" in html


async def test_an_empty_log_is_an_empty_list(now: Runtime) -> None:
    html = await got(put(now, lives()["processing"]()))
    assert '<ol class="log" tabindex="0" aria-label="Log lines"></ol>' in html
    assert "Nothing logged." in html


async def test_the_log_is_a_file_to_keep(now: Runtime) -> None:
    path = put(now, lives()["processing"]())
    now.store.trail(1).log(at=60, seconds=1.5, attempt=1, level="warning", text="slow <b>кириллица</b>")
    answer = await Browser().get(f"{path}/log.txt")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="task-1-log.txt"'
    assert answer.content.decode() == "1970-01-01T00:01:00Z  attempt 1       1.500 s  warning  slow <b>кириллица</b>\n"


async def test_a_log_that_lost_lines_says_so_in_its_file(now: Runtime) -> None:
    path = put(now, lives()["processing"]())
    for number in range(MAX_LINES + 5):
        now.store.trail(1).log(at=60, seconds=1, attempt=1, level="info", text=str(number))
    lines = (await Browser().get(f"{path}/log.txt")).content.decode().splitlines()
    assert lines[0] == "(the first 5 lines are no longer kept)"
    assert len(lines) == MAX_LINES + 1


async def test_a_task_that_logged_nothing_has_an_empty_file(now: Runtime) -> None:
    assert (await Browser().get(put(now, lives()["pending"]()) + "/log.txt")).content == b""


async def test_the_log_of_no_task_is_a_404(now: Runtime) -> None:
    assert (await Browser().get(f"/tasks/{UUID.format(404)}/log.txt")).status_code == 404


async def test_the_page_brings_no_script_or_style_inside_it(now: Runtime) -> None:
    reader = Reader(await got(put(now, lives()["failed"]())))
    assert not [name for name, _ in reader.attributes if name == "style" or name.startswith("on")]
    assert "style" not in reader.tags


async def test_who_cancels_can_say_why_and_the_page_tells_who_comes_later(now: Runtime) -> None:
    path = put(now, a_task(3, type="count", params=b'{"to":5}'))
    assert 'name="reason" maxlength="200"' in await got(path)
    answer = await Browser().post(f"{path}/cancel", {"reason": f"Wrong\u0000 host,\n {SMUGGLED[0]} " + "x" * 300})
    assert answer.status_code == 303
    cancel = now.store.get(path.removeprefix("/tasks/")).cancel
    assert cancel is not None
    assert cancel.reason.startswith("Wrong host, ")
    assert len(cancel.reason) == 200
    html = await got(path)
    assert "Wrong host, <script>" in Reader(html).text
    assert SMUGGLED[0] not in html
    assert 'name="reason"' not in html, "there is nothing left to cancel"


async def test_own_frames_and_the_full_traceback_are_a_switch_and_the_first_is_on(now: Runtime) -> None:
    error = TaskError("ValueError", "no", 'Traceback (most recent call last):\n  File "/a.py", line 3, in f\n    f()\nValueError: no')
    html = await got(put(now, replace(lives()["failed"](), error=error)))
    assert '<input type="radio" name="frames" value="app" checked>' in html
    assert '<input type="radio" name="frames" value="full">' in html
    assert 'data-copy="#traceback"' in html
    assert 'id="traceback"' in html


async def test_each_of_several_attempts_leads_to_its_log(now: Runtime) -> None:
    again = t.retried(lives()["failed"](), at=70.0)
    second = t.started(again, at=71.0, monotonic=21.0)
    html = await got(put(now, replace(second, type="count", params=b"{}")))
    assert 'data-attempt-log="1"' in html
    assert 'data-attempt-log="2"' in html
    assert "data-attempt-log" not in await got(put(now, replace(lives()["processing"](), number=8)))
