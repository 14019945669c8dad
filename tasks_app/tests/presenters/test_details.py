"""The Task page's slots: honest in every state, the same for everybody, deaf to what users smuggle in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from tasks_app.engine import task as t
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task, TaskError
from tasks_app.engine.trail import MAX_LINES
from tasks_app.presenters.clocks import standing
from tasks_app.presenters.details import detail_slots, log_lines
from tasks_app.presenters.failure import frames
from tasks_app.runtime import Runtime
from tasks_app.tests.engine.records import DONE, FAILED, begun
from tasks_app.tests.presenters.pages import SMUGGLED, UUID, Reader, lives, smuggled_in, still

TRACEBACK = """Traceback (most recent call last):
  File "/app/lib/site-packages/aiohttp/client.py", line 1425, in __aenter__
    self._resp = await self._coro
  File "/app/lib/site-packages/aiohttp/connector.py", line 99, in connect
    raise
  File "/app/acme/reports.py", line 61, in report
    if not received:
        raise Unreachable(address)
        ^^^^^^^^^^^^^^^^^^^^^^^^^^
acme.Unreachable: nobody <there>
"""


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    with still() as made:
        yield made


def put(runtime: Runtime, task: Task) -> Task:
    """Take a task in, under an id that a URL can hold."""
    task = replace(task, id=UUID.format(task.number))
    runtime.store.add([task])
    return task


def slots(runtime: Runtime, task: Task, **options: Any) -> dict[str, str]:
    return detail_slots(runtime, put(runtime, task), **options)


def slots_of(runtime: Runtime, number: int) -> dict[str, str]:
    """The slots of a task that was taken in."""
    task = runtime.store.by_number(number)
    assert task is not None
    return detail_slots(runtime, task)


def read(html: str) -> str:
    return Reader(html).text


def ping(life: str = "processing") -> Task:
    """A task of an installed type in the state of this name."""
    return replace(lives()[life](), type="ping", params=b'{"address":"a.example"}')


@pytest.mark.parametrize("life", lives())
def test_every_state_has_all_slots_as_plain_text(runtime: Runtime, life: str) -> None:
    task = put(runtime, lives()[life]())
    found = detail_slots(runtime, task)
    assert found["data-status"] == task.status
    assert {type(html) for html in found.values()} == {str}
    assert all(html == html.strip() for html in found.values())  # an empty slot is empty: the style sheet hides it
    assert found["clocks"]
    assert found["timeline"]
    assert not smuggled_in("".join(found.values()))


@pytest.mark.parametrize("life", lives())
def test_slots_of_an_unchanged_task_do_not_change(runtime: Runtime, life: str) -> None:
    task = put(runtime, lives()[life]())
    assert detail_slots(runtime, task) == detail_slots(runtime, task)


@pytest.mark.parametrize(
    ("life", "actions"),
    [
        ("scheduled", ["cancel", "rerun"]),
        ("pending", ["cancel", "rerun"]),
        ("processing", ["cancel", "rerun"]),
        ("retrying", ["cancel", "rerun"]),
        ("cancelling", ["delete"]),
        ("stuck", ["force", "delete"]),
        ("forced", ["delete"]),
        ("completed", ["rerun", "delete"]),
        ("failed", ["retry", "rerun", "delete"]),
        ("cancelled", ["retry", "rerun", "delete"]),
        ("interrupted", ["retry", "rerun", "delete"]),
    ],
)
def test_the_actions_offered_are_those_the_state_allows(runtime: Runtime, life: str, actions: list[str]) -> None:
    found = Reader(slots(runtime, ping(life))["actions"])
    assert [value.rpartition("/")[2] for name, value in found.attributes if name == "formaction"] == actions
    assert all(value == "act" for name, value in found.attributes if name == "form")


def test_a_rerun_with_changes_opens_the_form_of_the_type(runtime: Runtime) -> None:
    assert f'href="/launch/ping?from={UUID.format(1)}' in slots(runtime, ping("completed"))["actions"]


def test_a_task_of_a_type_that_is_gone_is_shown_and_cannot_be_rerun(runtime: Runtime) -> None:
    found = slots(runtime, lives()["completed"]())
    assert "rerun" not in found["actions"]


def test_progress_shows_zero_percent(runtime: Runtime) -> None:
    found = slots(runtime, ping("at zero"))["run"]
    assert 'value="0" max="12"' in found
    assert "0\u202f%" in found


def test_progress_says_step_share_and_pace(runtime: Runtime) -> None:
    assert read(slots(runtime, ping("with progress"))["run"]) == "25 % Three 25 %, one a second"


def test_without_a_total_the_bar_drifts_and_the_usual_time_is_said(runtime: Runtime) -> None:
    for number in (5, 6):
        runtime.store.add([replace(ping(), id=UUID.format(number), number=number)])
        runtime.store.update(number, lambda task: t.finished(task, DONE, monotonic=170.0))
    found = slots(runtime, ping("without total"))["run"]
    assert "value=" not in found
    assert "usually takes about 3\u202fm" in found


def test_clocks_run_in_the_browser_and_are_readable_without_it(runtime: Runtime) -> None:
    found = slots(runtime, ping("with progress"), now=65.0)["clocks"]
    assert 'data-clock-since="60.000"' in found
    assert 'data-clock-until="72.000"' in found
    assert read(found) == "elapsed 0:05 time left 0:07"


def test_a_time_left_of_more_than_a_minute_is_called_a_guess(runtime: Runtime) -> None:
    task = t.progressed(
        t.progressed(ping(), current=1, total=500, message="", monotonic=11.0), current=2, total=500, message="", monotonic=12.0
    )
    assert "time left, about" in slots(runtime, task)["clocks"]


def test_what_an_ended_task_took_stands_still(runtime: Runtime) -> None:
    found = slots(runtime, t.finished(begun(), DONE, monotonic=150.0))["clocks"]
    assert read(found) == "took 2:20"
    assert "data-" not in found


@pytest.mark.parametrize(
    ("life", "said"),
    [
        ("cancelling", ["Stopping…", "Asked by ann at", "Reason:", "no more"]),
        ("stuck", ["did not stop within 5 s", "Force stop ends it"]),
        ("forced", ["Being stopped by force"]),
        ("cancelled", ["Cancelled.", "Asked by ann at"]),
        ("abandoned", ["Stopped by force.", "may still be running"]),
        ("interrupted", ["The server stopped while this task ran."]),
        ("interrupted while it waited", ["The server stopped while this task waited."]),
        ("retrying", ["Attempt 1 failed.", "The next one begins"]),
        ("scheduled", ["Starts"]),
        ("processing", []),
        ("completed", []),
    ],
)
def test_the_situation_is_said_in_sentences(runtime: Runtime, life: str, said: list[str]) -> None:
    found = read(slots(runtime, lives()[life]())["situation"])
    assert all(part in found for part in said)
    assert bool(found) == bool(said)


def test_a_task_in_line_says_its_place_what_is_busy_and_how_long(runtime: Runtime) -> None:
    queue = runtime.engine.queues.get("ping")
    queue.concurrency = queue.running = 2
    runtime.store.add([replace(ping(), id="done", number=9)])
    runtime.store.update(9, lambda task: t.finished(task, DONE, monotonic=70.0))
    for number in (1, 2):
        runtime.store.add([replace(ping("pending"), id=f"ahead-{number}", number=number)])
    for number in (7, 8):
        runtime.store.add([replace(ping(), id=f"busy-{number}", number=number)])
    found = slots(runtime, replace(ping("pending"), number=3))["situation"]
    assert read(found).replace("\u202f", " ").startswith("3rd in line. All 2 slots of ping are busy, about")


def test_the_error_comes_first_and_its_tab_is_open_when_a_task_failed(runtime: Runtime) -> None:
    found = slots(runtime, ping("failed"))
    assert found["tabs"].startswith('<a href="#error" aria-current="true" data-status="failed">')
    assert 'id="error"' in found["answer"]
    assert "ValueError: told to fail" in read(found["answer"])


def test_a_failure_that_is_tried_again_opens_no_error(runtime: Runtime) -> None:
    found = slots(runtime, ping("retrying"))
    assert "error" not in found["tabs"]
    assert found["answer"] == ""
    assert "told to fail" in found["attempts"]


def test_every_tab_leads_to_something_on_the_page(runtime: Runtime) -> None:
    for number, life in enumerate(lives(), 10):
        task = put(runtime, replace(lives()[life](), number=number))
        runtime.store.trail(number).measure("Round-trip", 1.0, seconds=1, unit="ms")
        found = detail_slots(runtime, task)
        page = found["answer"] + found["charts"] + found["later"] + '<section id="log">'
        anchors = [value for name, value in Reader(found["tabs"]).attributes if name == "href"]
        assert anchors
        assert all(f'id="{anchor[1:]}"' in page for anchor in anchors), life


def test_a_traceback_shows_our_frames_and_folds_those_of_libraries(runtime: Runtime) -> None:
    shown = frames(TRACEBACK)
    assert shown[0].hidden == 2
    assert (shown[1].file, shown[1].line, shown[1].name) == ("/app/acme/reports.py", "61", "report")
    assert shown[1].code == "if not received:\n    raise Unreachable(address)"
    assert shown[2].text == "acme.Unreachable: nobody <there>"
    error = TaskError("Unreachable", "nobody <there>", TRACEBACK)
    found = slots(runtime, t.finished(ping(), Outcome(kind=OutcomeKind.FAILED, error=error), monotonic=12.0))["answer"]
    assert "2 library frames hidden" in found
    assert 'value="full"' in found, "the whole of it is a switch away"
    assert "site-packages" in read(found)  # the whole of it, in the details
    assert "&lt;there&gt;" in found


def test_the_words_between_two_exceptions_are_not_raised(runtime: Runtime) -> None:
    between = "The above exception was the direct cause of the following exception:"
    error = TaskError("Unreachable", "nobody <there>", f"OSError: refused\n\n{between}\n\n{TRACEBACK}")
    found = slots(runtime, t.finished(ping(), Outcome(kind=OutcomeKind.FAILED, error=error), monotonic=12.0))["answer"]
    assert f"<li data-between><bdi>{between}</bdi></li>" in found
    assert "<li data-raised><bdi>OSError: refused</bdi></li>" in found


def test_text_that_is_no_traceback_is_shown_line_by_line() -> None:
    assert [frame.text for frame in frames("odd\n  words\n")] == ["odd", "words"]
    assert frames("") == ()


def test_a_flat_result_is_a_list_and_a_deep_one_is_json(runtime: Runtime) -> None:
    flat = slots(runtime, t.finished(begun(), replace(DONE, result=b'{"sent":2.0,"ok":true,"why":null}'), monotonic=12.0))["answer"]
    assert "<dl" in flat
    assert "sent 2 ok true why none" in read(flat)
    deep = slots(runtime, replace(t.finished(begun(), replace(DONE, result=b'{"rows":[1,{"a":"\xd1\x82"}]}'), monotonic=12.0), number=2))[
        "answer"
    ]
    assert "<dl" not in deep
    assert "т" in deep


def test_a_result_of_nothing_is_said(runtime: Runtime) -> None:
    found = slots(runtime, t.finished(begun(), replace(DONE, result=b"null"), monotonic=12.0))["answer"]
    assert "Nothing was returned." in found


def test_the_newest_attempt_is_open_and_stands_first(runtime: Runtime) -> None:
    found = slots(runtime, ping("second attempt"))["attempts"]
    assert found.index("Attempt 2") < found.index("Attempt 1")
    assert found.count(" open>") == 1
    assert found.index(" open>") < found.index("Attempt 2")


def test_history_shows_the_newest_fifty_runs_with_this_one_marked(runtime: Runtime) -> None:
    for number in range(1, 71):
        outcome = FAILED if number == 60 else DONE
        runtime.store.add(
            [replace(t.finished(begun(), outcome, monotonic=10.0 + number), id=UUID.format(number), number=number, type="ping")]
        )
    found = Reader(slots_of(runtime, 65)["history"])
    assert found.tags.count("rect") == 50
    assert [name for name, _ in found.attributes].count("data-this") == 1
    assert "Task 65: Completed, 1 m 05 s" in found.text
    assert "1 failed" in found.text


def test_a_run_older_than_the_newest_fifty_is_drawn_among_them(runtime: Runtime) -> None:
    for number in range(1, 71):
        runtime.store.add([replace(t.finished(begun(), DONE, monotonic=11.0), id=UUID.format(number), number=number, type="ping")])
    found = slots_of(runtime, 2)["history"]
    assert "data-this" in found
    assert found.count("<rect") == 50


def test_the_only_run_of_a_type_has_no_bars(runtime: Runtime) -> None:
    assert "<rect" not in slots(runtime, ping("completed"))["history"]


def test_each_series_is_a_chart_with_its_words(runtime: Runtime) -> None:
    task = put(runtime, ping())
    trail = runtime.store.trail(task.number)
    for second in range(100):
        trail.measure("Round-trip", 10.0, seconds=second, unit="ms")
        trail.measure("Speed", second / 10, seconds=second, unit="MB/s")
    found = detail_slots(runtime, task)["charts"]
    assert found.count("<section") == 2
    assert found.count('role="img"') == found.count("<svg") == 4
    assert "100 values so far: 10\u202fms." in found
    ids = [value for name, value in Reader(found).attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_a_chart_follows_its_series(runtime: Runtime) -> None:
    task = put(runtime, ping())
    trail = runtime.store.trail(task.number)
    trail.measure("Round-trip", 10.0, seconds=1, unit="ms")
    before = detail_slots(runtime, task)["charts"]
    trail.measure("Round-trip", 11.0, seconds=2, unit="ms")
    assert detail_slots(runtime, task)["charts"] != before


def test_a_drawing_keeps_its_elements_whatever_it_shows(runtime: Runtime) -> None:
    shapes = []
    for number, life in enumerate(("processing", "completed"), 1):
        runtime.store.trail(put(runtime, replace(ping(life), number=number)).number)
        for second, value in enumerate((1.0, None) if number == 1 else (None, 2.0, 3.0)):
            runtime.store.trail(number).measure("Round-trip", value, seconds=second, unit="ms")
        reader = Reader(slots_of(runtime, number)["charts"])
        shapes.append([value for name, value in reader.attributes if name == "class"])
    assert shapes[0] == shapes[1]  # a pushed slot changes attributes, and leaves classes as they are


def test_dropped_lines_are_counted(runtime: Runtime) -> None:
    task = put(runtime, ping())
    assert detail_slots(runtime, task)["dropped"] == ""
    for number in range(MAX_LINES + 12):
        runtime.store.trail(task.number).log(at=60, seconds=1, attempt=1, level="info", text=str(number))
    assert detail_slots(runtime, task)["dropped"] == f"The first 12 of {MAX_LINES + 12} lines are no longer kept."


def test_a_log_line_tells_number_level_time_and_text(runtime: Runtime) -> None:
    line = runtime.store.trail(1).log(at=60, seconds=75.26, attempt=2, level="warning", text="slow <b>")
    found = log_lines([line], after=2)
    assert type(found) is str
    assert found.startswith('<li data-seq="1" data-level="warning" data-attempt="2">')
    assert "1:15.2" in found
    assert "slow &lt;b&gt;" in found
    assert "attempt 2, 1970-01-01 00:01:00 UTC" in found


def test_a_line_of_the_log_says_where_a_further_attempt_begins(runtime: Runtime) -> None:
    trail = runtime.store.trail(1)
    lines = [trail.log(at=60 + n, seconds=n, attempt=attempt, level="info", text="-") for n, attempt in enumerate((1, 1, 2, 2, 4))]
    found = log_lines(lines)
    assert re.findall(r'<li class="begins" data-seq="(\d)" data-attempt="(\d)"><b>(.*?)</b>', found) == [
        ("3", "2", "Attempt 2"),
        ("5", "4", "Attempt 4"),
    ]
    assert found == log_lines(lines[:3]) + log_lines(lines[3:], after=2)  # whole, or piece by piece as they come


@pytest.mark.parametrize("text", SMUGGLED)
@pytest.mark.parametrize("life", lives())
def test_nothing_a_user_wrote_becomes_part_of_the_page(runtime: Runtime, life: str, text: str) -> None:
    error = TaskError(text, text, f'  File "{text}", line 1, in {text}\n    {text}\n{text}')
    params = json.dumps({text: text, "deep": [text]}).encode()
    task = lives()[life]()
    task = replace(task, name=text, tags=(text,), by=text, via=text, type=text, params=params)
    task = replace(task, error=error, result=params) if task.status in t.TERMINAL else task
    task = replace(task, attempts=tuple(replace(a, error=error) for a in task.attempts))
    task = replace(task, cancel=replace(task.cancel, by=text, reason=text)) if task.cancel else task
    task = replace(task, progress=replace(task.progress, said=text)) if task.progress else task
    trail = runtime.store.trail(put(runtime, task).number)
    line = trail.log(at=1, seconds=1, attempt=1, level="info", text=text)
    trail.measure(text, 1.0, seconds=1, unit=text)
    found = detail_slots(runtime, replace(task, id=UUID.format(1)))
    html = "".join(found.values()) + log_lines([line])
    assert not smuggled_in(html)
    assert text in Reader(log_lines([line])).texts  # shown as it was written


def test_statuses_are_words_everywhere(runtime: Runtime) -> None:
    words = {read(slots(runtime, replace(lives()[life](), number=n))["status"]).split()[0] for n, life in enumerate(lives(), 1)}
    assert words == {status.value.capitalize() for status in Status}


def test_a_clock_that_stands_sets_its_number_apart_from_the_words_around_it() -> None:
    assert standing(0.34) == "340<small>ms</small>"
    assert standing(0.0002) == "<small data-before>under </small>1<small>ms</small>"
    assert standing(61) == "1:01"
