"""What can be typed, against a real server."""

from __future__ import annotations

import io
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import call_command

from tasks_app.terminal.exits import Exit
from tasks_app.terminal.watching import Watch


def test_a_launched_task_is_told_with_its_number_and_id(typed):
    found = typed("launch", "count", "to=1", "interval=0", "--name", "Nothing")
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("Launched #")
    assert "Nothing" in found.out


def test_quiet_prints_the_id_alone(typed):
    assert uuid.UUID(typed("launch", "count", "to=1", "interval=0", "-q").out.strip())


def test_all_that_a_launch_can_say_arrives(typed):
    words = [
        "--name",
        "N",
        "--tag",
        "a",
        "--tag",
        "b",
        "--priority",
        "3",
        "--timeout",
        "9.5",
        "--attempts",
        "2",
        "--at",
        "2999-01-01T00:00:00Z",
    ]
    task = typed("launch", "count", "to=1", "--json", *words, "interval=0").only
    assert (task["name"], task["tags"], task["priority"], task["timeout"], task["max_attempts"]) == ("N", ["a", "b"], 3, 9.5, 2)
    assert (task["params"], task["status"]) == ({"to": 1, "interval": 0}, "scheduled")
    assert typed("rm", task["id"]).code == 0


def test_params_may_come_as_json_from_a_file_or_stdin(typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "params").write_text('{"to": 1, "interval": 0}')
    assert typed("launch", "count", "--params", f"@{tmp_path / 'params'}", "--json").only["params"]["to"] == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"to": 1, "interval": 0}\n'))
    assert typed("launch", "count", "--params", "-", "--json").only["params"]["to"] == 1


def test_the_same_key_gives_the_first_task(typed):
    key = str(uuid.uuid4())
    first, second = (typed("launch", "count", "to=1", "interval=0", "--key", key, "--json").only["id"] for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["launch", "count", "to=x"], Exit.USAGE, "to has to be a whole number"),
        (["launch", "count", "too=3"], Exit.USAGE, "Was it to?"),
        (["launch", "count", "to=1", "to=2"], Exit.USAGE, "given twice"),
        (["launch", "count", "to"], Exit.USAGE, "write NAME=VALUE"),
        (["launch", "count", "to=-3"], Exit.USAGE, "params.to"),
        (["launch", "count", "--params", "[1]"], Exit.USAGE, "an object of JSON"),
        (["launch", "count", "--params", "{"], Exit.USAGE, "--params is no JSON"),
        (["launch", "count", "--params", "@/no/such/file"], Exit.USAGE, "cannot be read"),
        (["launch", "no_such_type"], Exit.NOT_FOUND, "no task type"),
        (["launch", "no_such_type", "a=1"], Exit.NOT_FOUND, "no task type"),
        (["launch", "../stats", "a=1"], Exit.NOT_FOUND, ""),
        (["launch", "count", "--at", "tomorrow"], Exit.USAGE, "RFC 3339"),
        (["launch", "count", "--timeout", "inf"], Exit.USAGE, "--timeout"),
        (["launch", "count", "--colour"], Exit.USAGE, "not known here: --colour"),
        (["types", "no_such_type"], Exit.NOT_FOUND, "no task type"),
        (["show", "#999999999"], Exit.NOT_FOUND, "There is no task #999999999"),
        (["show", str(uuid.UUID(int=5))], Exit.NOT_FOUND, ""),
        (["show", "ffff-"], Exit.NOT_FOUND, "There is no task ffff-"),
        (["show", "abc"], Exit.USAGE, "names no task"),
        (["show", "no such"], Exit.USAGE, "names no task"),
        (["show", "x" * 10_000], Exit.USAGE, "names no task"),
        (["list", "crated:>2h"], Exit.USAGE, "q"),
        (["list", "--limit", "0"], Exit.USAGE, "--limit"),
        (["list", "--status", "done"], Exit.USAGE, "--status"),
        (["frobnicate"], Exit.USAGE, "frobnicate"),
        ([], Exit.USAGE, "VERB"),
    ],
    ids=lambda words: " ".join(words)[:40] if isinstance(words, list) else None,
)  # fmt: skip
def test_what_cannot_be_done_is_a_sentence_and_a_code(typed, words: list[str], code: int, said: str):
    found = typed(*words)
    assert (found.code, found.out) == (code, "")
    assert said in found.err
    assert "Traceback" not in found.err


def test_help_is_no_fault(typed):
    found = typed("launch", "--help")
    assert found.code == 0
    assert "Exit codes: 0 done" in found.out


@pytest.mark.parametrize(
    ("name", "to", "code"),
    [("completed", ["count", "to=1", "interval=0"], 0), ("failed", ["outcry", "words=no"], 1)],
    ids=("completed", "failed"),
)
def test_watching_ends_with_the_task_and_its_code_says_how(typed, name: str, to: list[str], code: int):
    found = typed("launch", *to, "--watch", "--json")
    assert (found.code, found.json[-1]["status"]) == (code, name)


def test_watched_without_a_terminal_there_are_plain_lines(typed):
    found = typed("launch", "count", "to=2", "interval=0.1", "-w")
    assert found.out.splitlines()[-1].endswith("count completed 2 of 2")
    assert "\x1b" not in found.out


def test_a_watched_task_that_somebody_cancels_or_deletes_has_codes_of_its_own(typed, served: str):
    for verb, code in (("cancel", Exit.STOPPED), ("rm", Exit.NOT_FOUND)):
        task = typed("launch", "count", "to=600", "--json").only
        other = threading.Timer(0.3, typed, (verb, task["id"]))
        other.start()
        assert typed("watch", task["id"], "--json").code == code
        other.join()
        typed("rm", task["id"])


def test_a_task_is_found_by_number_id_and_the_beginning_of_its_id(typed, running):
    for text in (str(running["number"]), f"#{running['number']}", running["id"], running["id"][:13], running["id"].upper()):
        assert typed("show", text, "--json").only["id"] == running["id"]


def test_a_task_is_shown_in_lines(typed, running):
    out = typed("show", running["id"]).out
    assert f"#{running['number']} {running['id']}" in out
    assert '{"to": 600' in out


def test_cancel_retry_rerun_and_rm(typed, running):
    one = running["id"]
    assert "is cancel" in typed("cancel", one).out
    assert typed("watch", one).code == Exit.STOPPED
    found = typed("cancel", one)
    assert (found.code, found.out) == (Exit.REFUSED, "")
    assert typed("retry", one).code == 0
    again = typed("rerun", one, "--json").only
    assert again["rerun_of"] == one
    assert typed("rm", one, again["id"]).out == f"Deleted {one}\nDeleted {again['id']}\n"
    assert typed("restore", one).code == 0


def test_of_many_each_is_told_and_the_gravest_code_counts(typed, running):
    found = typed("rm", "#999999999", running["id"])
    assert (found.code, found.out) == (Exit.NOT_FOUND, f"Deleted {running['id']}\n")
    assert "#999999999: There is no task" in found.err


def test_a_list_is_filtered_by_words_and_flags_and_cut_at_its_limit(typed):
    tag = f"t{uuid.uuid4().hex[:8]}"
    ids = [typed("launch", "count", "to=1", "interval=0", "--tag", tag, "-q").out.strip() for _ in range(3)]
    assert [task["id"] for task in typed("list", "--tag", tag, "--json").json] == ids[::-1]
    assert [task["id"] for task in typed("list", f"tag:{tag}", "--json", "-n", "2", "--oldest").json] == ids[:2]
    assert typed("list", "--tag", tag, "--status", "failed").out == ""
    table = typed("list", "--tag", tag, "--type", "count").out.splitlines()
    assert (table[0].split()[:3], len(table)) == (["#", "id", "task"], 4)


def test_a_long_list_is_asked_for_page_by_page(typed, served: str):
    tag = f"t{uuid.uuid4().hex[:8]}"
    tasks = [{"type": "count", "params": {"to": 1, "interval": 0}, "tags": [tag]}] * 201
    assert httpx.post(f"{served}/api/v2/tasks/bulk", json={"tasks": tasks}).status_code == 201
    assert len({task["id"] for task in typed("list", "--tag", tag, "-n", "1000", "--json").json}) == 201


def test_a_log_is_printed_and_followed_to_the_end(typed):
    one = typed("launch", "chatty", "lines=3", "interval=0.1", "-q").out.strip()
    followed = typed("logs", "-f", one)
    assert [line.split()[-2:] for line in followed.out.splitlines()] == [["Line", str(number)] for number in (1, 2, 3)]
    assert [line["text"] for line in typed("logs", one, "--json").json] == ["Line 1", "Line 2", "Line 3"]
    assert typed("logs", one, "--level", "error").out == ""


def test_types_are_listed_and_one_is_shown_with_its_params(typed):
    assert any(line.startswith("ping ") for line in typed("types").out.splitlines())
    assert "Number of probes" in typed("types", "ping").out
    assert "ping" in [one["name"] for one in typed("types", "--json").json]


def test_a_type_is_paused_and_goes_on(typed):
    try:
        assert typed("pause", "primes", "--json").only["paused"] is True
    finally:
        assert "not paused" in typed("resume", "primes").out


@pytest.mark.parametrize(
    "words", ["\x1b[2J\x1b]0;owned\x07", "\u202egnp.exe", "a\u2028b\x85c\rd", "<script>", "x" * 10_000, "[red]boo[/red]"]
)
def test_nothing_a_task_says_reaches_the_terminal_as_a_command(typed, words: str):
    found: dict[str, Any] = {}
    for verb in (["launch", "outcry", f"words={words}", "-w"], ["list", "-n", "1"], ["show", "1"], ["list", "-n1", "--json"]):
        found[verb[0]] = typed(*verb).out
        assert not set(found[verb[0]]) & set("\x1b\x07\r\x85\u202e\u2028"), verb
    if words.startswith("["):
        assert words in found["launch"]


def test_ctrl_c_while_watching_leaves_the_task_running_and_says_so(typed, running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Watch, "_heard", _interrupted)
    found = typed("watch", running["id"])
    assert found.code == Exit.LEFT
    assert "The task goes on." in found.err
    assert typed("show", running["id"], "--json").only["status"] == "processing"


def test_ctrl_c_asks_the_task_to_stop_where_that_is_wanted(typed, running, monkeypatch: pytest.MonkeyPatch):
    heard = Watch._heard

    def once(watch: Watch, event: Any) -> None:
        monkeypatch.setattr(Watch, "_heard", heard)
        _interrupted(watch, event)

    monkeypatch.setattr(Watch, "_heard", once)
    found = typed("watch", running["id"], "--cancel-on-interrupt", "--json")
    assert (found.code, found.json[-1]["status"]) == (Exit.STOPPED, "cancelled")
    assert "to stop" in found.err


def _interrupted(watch: Any, event: Any) -> None:
    end = time.monotonic() + 60
    while watch._server.get(f"tasks/{watch.open[0]}")["status"] != "processing":
        assert time.monotonic() < end
    raise KeyboardInterrupt


def test_a_watched_list_goes_on_until_ctrl_c(typed, running, monkeypatch: pytest.MonkeyPatch):
    looks = iter([lambda: None, lambda: None])

    def slept(seconds: float) -> None:
        next(looks, _leave)()

    monkeypatch.setattr("tasks_app.terminal.watched.time.sleep", slept)
    found = typed("list", "-w", "--json", "--type", "count", "--status", "processing")
    assert found.code == Exit.LEFT
    assert running["id"] in [task["id"] for task in found.json]


def _leave() -> None:
    raise KeyboardInterrupt


def test_a_django_command_hands_on_what_was_typed(served: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        call_command("tasks", "show", "#999999999", "--url", served)
    assert ended.value.code == Exit.NOT_FOUND
    call_command("tasks", "types", "--url", served)
    assert "ping" in capsys.readouterr().out
