"""Rows of the task list, in every state a task can be in."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from html import unescape

import pytest
from django.utils.safestring import SafeString
from msgspec.structs import replace

from tasks_app.engine import task as t
from tasks_app.engine.task import Outcome, OutcomeKind, Status, TaskError
from tasks_app.presenters import rows
from tasks_app.runtime import Runtime
from tasks_app.tests.engine.records import a_task, begun, cancelling
from tasks_app.tests.presenters.pages import SMUGGLED, lives, smuggled_in, still

ID = "01935f2c-7b1e-4000-8000-000000000001"


@pytest.fixture(scope="module")
def runtime():
    with still() as found:
        yield found


def seen(html: str) -> str:
    """What a reader sees, with plain spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", re.sub(r"</?time[^>]*>", "", html))).replace("\u202f", " ").split())


def slots(runtime: Runtime, task: t.Task) -> dict[str, str]:
    return {name: seen(html) for name, html in rows.row_slots(runtime, task).items()}


def offered(runtime: Runtime, task: t.Task) -> list[str]:
    return re.findall(r'formaction="[^"]*/(\w+)"', rows.row_slots(runtime, task)["actions"])


@pytest.mark.parametrize("life", lives())
def test_every_state_has_a_whole_row(runtime, life):
    task = replace(lives()[life](), id=ID)
    html = rows.row_html(runtime, task)
    assert html.startswith(f'<tr role="row" id="task-{ID}" data-task="{ID}" data-number="1" data-status="{task.status}" data-can="')
    assert re.findall(r'data-slot="(\w+)"', html) == ["status", "what", "how", "when", "actions"]
    assert f'href="#s-{task.status}"' in html


@pytest.mark.parametrize("life", lives())
def test_a_row_does_not_change_by_itself(runtime, life):
    task = replace(lives()[life](), id=ID)
    before = rows.row_slots(runtime, task)
    time.sleep(0.01)
    assert rows.row_slots(runtime, task) == before


@pytest.mark.parametrize("life", lives())
def test_a_row_holds_no_token_and_no_inline_code(runtime, life):
    html = rows.row_html(runtime, replace(lives()[life](), id=ID))
    assert "csrf" not in html
    assert not re.search(r"\s(style|on\w+)=", html)


def test_progress_shows_its_share_its_step_and_a_guess(runtime):
    early = t.progressed(replace(begun(), id=ID), current=1, total=200, message="", monotonic=11.0)
    shown = slots(runtime, t.progressed(early, current=143, total=200, message="Probe 143 of 200", monotonic=153.0))
    assert shown["how"] == "71 % Probe 143 of 200"
    assert shown["when"].startswith("ends about 00:04 since 00:01:00")


def test_zero_percent_is_shown(runtime):
    html = rows.row_slots(runtime, t.progressed(begun(), current=0, total=200, message="", monotonic=11.0))["how"]
    assert seen(html) == "0 % 0 of 200"
    assert 'value="0" max="200"' in html


def test_progress_without_a_total_has_a_bar_without_a_value(runtime):
    html = rows.row_slots(runtime, t.progressed(begun(), current=3, total=None, message="Step 1", monotonic=11.0))["how"]
    assert "<progress" in html
    assert "value=" not in html
    assert "%" not in seen(html)


def test_a_task_that_tells_nothing_is_said_to_run(runtime):
    shown = slots(runtime, begun())
    assert shown["how"] == "Running"
    assert "no estimate" in shown["when"]


def test_retrying_says_why_and_which_attempt_comes(runtime):
    failed = Outcome(kind=OutcomeKind.FAILED, error=TaskError("Timeout", "Timed out after 5 s"))
    shown = slots(runtime, t.retry_planned(begun(a_task(max_attempts=5)), failed, monotonic=12.0, due_at=70.0))
    assert shown["how"] == "Timeout Timed out after 5 s"
    assert shown["when"] == "at 00:01:10 attempt 2 of 5"
    assert "attempt 1 of 5" in shown["what"]


def test_a_first_attempt_that_goes_well_is_not_worth_a_word(runtime):
    first = begun(a_task(max_attempts=5))
    assert "attempt" not in slots(runtime, first)["what"]
    assert "attempt" not in slots(runtime, t.finished(first, Outcome(kind=OutcomeKind.COMPLETED), monotonic=12.0))["what"]


def test_a_failure_is_bad_news_and_says_its_kind_and_message(runtime):
    failed = t.finished(begun(), Outcome(kind=OutcomeKind.FAILED, error=TaskError("Unreachable", "none answered")), monotonic=12.0)
    html = rows.row_slots(runtime, failed)["how"]
    assert seen(html) == "Unreachable none answered"
    assert "data-bad" in html


def test_cancelling_says_who_asked_and_offers_no_force_before_the_grace_is_over(runtime):
    assert slots(runtime, cancelling())["how"] == "Stopping… since 00:01:01, asked by ann"
    assert offered(runtime, cancelling()) == ["delete"]


def test_a_stuck_task_says_so_and_offers_force(runtime):
    stuck = t.stuck(cancelling())
    assert slots(runtime, stuck)["how"] == "Not stopping since 00:01:01, asked by ann"
    assert offered(runtime, stuck) == ["force"]


def test_force_is_not_offered_twice(runtime):
    assert "force" not in offered(runtime, t.cancel_forced(t.stuck(cancelling())))


def test_an_abandoned_task_is_said_to_be_so(runtime):
    left = t.finished(t.stuck(cancelling()), Outcome(kind=OutcomeKind.CANCELLED), monotonic=20.0, abandoned=True)
    assert slots(runtime, left)["how"] == "Cancelled by ann Its code could not be stopped and was left behind"


def test_a_cancelled_task_says_who_where_and_why(runtime):
    half = t.progressed(begun(), current=62, total=100, message="", monotonic=11.0)
    asked = t.cancel_requested(half, by="ann", reason="Wrong mirror", at=61.0, monotonic=12.0)
    assert (
        slots(runtime, t.finished(asked, Outcome(kind=OutcomeKind.CANCELLED), monotonic=13.0))["how"]
        == "Cancelled by ann at 62 % “Wrong mirror”"
    )


def test_an_interrupted_task_says_where_it_was_seen_last(runtime):
    half = t.progressed(begun(), current=62, total=100, message="at 62", monotonic=11.0)
    ended = t.finished(half, Outcome(kind=OutcomeKind.INTERRUPTED), monotonic=12.0)
    assert slots(runtime, ended)["how"] == "The process ended while this ran Last seen at 62 %, at 62"
    assert slots(runtime, t.interrupted(a_task(), at=62.0))["how"] == "The process ended while this waited"


@pytest.mark.parametrize(
    ("type_name", "result", "said"),
    [
        (
            "ping",
            b'{"sent":2,"received":2,"avg_ms":8.1,"jitter_ms":0.9,"max_ms":21.4}',
            "2 sent, none lost, 8.1 ms on average Jitter 0.9 ms, slowest 21.4 ms",
        ),
        ("ping", b'{"unexpected":1}', 'Result {"unexpected":1}'),
        ("gone", b"0.577215", "Result 0.577215"),
        ("gone", b'"a text"', "Result a text"),
        ("gone", None, "Done"),
    ],
)
def test_a_completed_task_shows_its_result(runtime, type_name, result, said):
    done = t.finished(begun(a_task(type=type_name)), Outcome(kind=OutcomeKind.COMPLETED, result=result), monotonic=12.0)
    assert slots(runtime, done)["how"] == said


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        (Status.PENDING, ["cancel", "rerun", "delete"]),
        (Status.COMPLETED, ["rerun", "rerun", "delete"]),
        (Status.FAILED, ["retry", "rerun", "delete"]),
        (Status.INTERRUPTED, ["retry", "rerun", "delete"]),
    ],
)
def test_what_is_offered_fits_the_status(runtime, status, actions):
    task = replace(a_task(type="ping"), status=status, attempts=begun().attempts)
    assert offered(runtime, task) == actions


def test_a_type_that_is_gone_is_not_offered_again(runtime):
    assert offered(runtime, a_task(type="gone")) == ["cancel", "delete"]


def test_a_line_says_place_and_reason(runtime):
    tasks = [a_task(n, id=ID[:-1] + str(n), type="ping") for n in (1, 2, 3)]
    runtime.store.add(tasks)
    try:
        runtime.engine.queues.limit("ping", 8)
        runtime.engine.queues.get("ping").running = 8
        assert slots(runtime, tasks[0])["how"] == "Next in line All 8 slots of ping are busy"
        assert slots(runtime, tasks[2])["how"] == "3rd in line All 8 slots of ping are busy"
        runtime.engine.queues.get("ping").paused = True
        assert slots(runtime, tasks[2])["how"] == "3rd in line ping is paused"
    finally:
        runtime.engine.queues.get("ping").running = 0
        runtime.engine.queues.get("ping").paused = False
        for task in tasks:
            runtime.store.delete(task.number)


@pytest.mark.parametrize("text", SMUGGLED)
def test_what_users_wrote_is_shown_as_text(runtime, text):
    error = Outcome(kind=OutcomeKind.FAILED, error=TaskError(text, text))
    task = t.progressed(begun(a_task(name=text, tags=(text,), by=text, type="ping")), current=1, total=None, message=text, monotonic=11.0)
    for shown in (task, t.finished(task, error, monotonic=12.0)):
        html = rows.row_html(runtime, shown)
        plain = rows.row_html(runtime, replace(shown, name="n", tags=("n",)))
        assert re.findall(r"<(\w+)", html) == re.findall(r"<(\w+)", plain), "the text made an element"
        assert smuggled_in(html) == []
        assert " ".join(text.split()) in seen(html)


def test_a_row_is_kept_without_the_record_and_made_anew_for_the_next(runtime: Runtime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rows, "_kept", OrderedDict())
    done = replace(t.finished(begun(a_task()), Outcome(kind=OutcomeKind.COMPLETED, result=b'"a secret"'), monotonic=101.0), version=7)
    first = rows.row_html(runtime, done)
    assert rows.row_html(runtime, done) is first
    assert [type(kept) for kept in rows._kept.values()] == [SafeString]
    renamed = rows.row_html(runtime, replace(done, name="renamed", version=8))
    assert ("renamed" in first, "renamed" in renamed) == (False, True)
