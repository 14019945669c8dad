"""`make bench`: how rounds, ratios and targets are told, what stays in the page, what becomes of a question that fails."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bench import __main__ as bench
from bench import driver, listener, load, report
from bench.figures import Found, at_most, told
from bench.rounds import OURS, Race, alternate
from tasks_app.tests.processes import ROOT

RACE = Race("launches", "a second", {OURS: [400.0, 100.0, 200.0], "peer": [100.0, 100.0, 100.0]}, ratios={"peer": 3.0}, least=150.0)
QUESTIONS = sorted((ROOT / "bench" / "questions").glob("[a-z]*.py"))


# ----- rounds


def test_contestants_take_turns_and_whoever_was_first_is_last_in_the_next_round() -> None:
    said: list[str] = []

    def contestant(name: str, reached: float) -> Callable[[], float]:
        def act() -> float:
            said.append(name)
            return reached

        return act

    found = alternate({"a": contestant("a", 1.0), "b": contestant("b", 2.0), "c": contestant("c", 3.0)}, 3)
    assert "".join(said) == "abcbcacab"
    assert found == {"a": [1.0] * 3, "b": [2.0] * 3, "c": [3.0] * 3}


def test_a_ratio_is_the_middle_of_the_ratios_round_by_round() -> None:
    race = Race("", "", {OURS: [10.0, 90.0, 20.0], "peer": [10.0, 30.0, 10.0]})
    assert race.to("peer") == [1.0, 3.0, 2.0]
    assert race.ratio("peer") == 2.0
    assert race.median(OURS) == 20.0


def test_a_target_is_met_by_the_median_and_nothing_is_said_where_there_is_none() -> None:
    assert RACE.met(OURS) is True
    assert RACE.met("peer") is False
    bare = Race("", "", RACE.rounds)
    assert bare.met(OURS) is None
    assert bare.met("peer") is None


# ----- the page


def test_a_race_is_told_with_medians_spans_ratios_and_targets() -> None:
    assert report.tables([RACE]) == [
        "| launches | a second, median | lowest to highest | IoTask to it, median | lowest to highest | target | met |",
        "| --- | ---: | --- | ---: | --- | --- | --- |",
        "| IoTask | 200 | 100 to 400 |  |  | at least 150 a second | yes |",
        "| peer | 100 | 100 to 100 | 2.00 | 1.00 to 4.00 | IoTask at least 3 x | **no** |",
        "",
    ]


def test_figures_are_told_with_their_bounds() -> None:
    found = [at_most("memory", 712.4, 700, "bytes", 0), at_most("late", 4.26, 50, "ms"), told("tasks", 1234.0, "", 0)]
    assert found[0] == Found("memory", "712 bytes", "at most 700 bytes", False)
    assert report.tables(found)[2:] == [
        "| memory | 712 bytes | at most 700 bytes | **no** |",
        "| late | 4.3 ms | at most 50 ms | yes |",
        "| tasks | 1,234 |  |  |",
        "",
    ]


def test_a_question_that_was_asked_again_takes_the_place_of_its_table_and_leaves_the_others(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Head\n", "utf-8")
    report.write("a", "First?", [RACE], "a machine", page)
    report.write("b", "Second?", [told("tasks", 1.0, "", 0)], "a machine", page)
    second = page.read_text("utf-8").partition("<!-- question: b -->")[2]
    report.write("a", "Third?", [RACE], "another machine", page)
    text = page.read_text("utf-8")
    assert text.startswith("# Head\n\n<!-- question: a -->\n### a\n\nThird?\n\n| launches |")
    assert "First?" not in text
    assert "; another machine; " in text
    assert text.endswith(f"<!-- question: b -->{second}")


def test_the_page_in_the_repository_has_each_question_once_and_whole() -> None:
    text = report.PAGE.read_text("utf-8")
    begun, over = (re.findall(rf"<!-- {word}: (\w+) -->\n", text) for word in ("question", "end"))
    assert begun == over
    assert len(set(begun)) == len(begun)
    assert set(begun) <= {path.stem for path in QUESTIONS}


# ----- load and lateness


class Wire:
    """What an asker writes to."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.written.append(b"gone")


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def asker(wire: Wire) -> driver.Asker:
    """One that is connected."""
    made = driver.Asker(b"request")
    made.connection_made(wire)
    return made


def given(url: str) -> dict[str, object]:
    return {"url": url, "method": "POST", "body": "{}", "headers": {"X-Who": "me"}, "seconds": 0.1}


def test_a_load_goes_over_the_wire_with_its_headers_and_its_body() -> None:
    assert driver.request_of(given("http://127.0.0.1:80/tasks?a=b")) == (
        b"POST /tasks?a=b HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-Who: me\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_the_driver_asks_again_when_an_answer_is_there_whole(asker: driver.Asker, wire: Wire) -> None:
    answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
    for part in (answer[:10], answer[10:-1]):
        asker.data_received(part)
        assert (asker.answers, wire.written) == (0, [b"request"])
    asker.data_received(answer[-1:])
    asker.data_received(answer)
    assert (asker.answers, wire.written) == (2, [b"request"] * 3)
    asker.stop()
    asker.connection_lost(None)
    assert asker.wrong == ""


def test_the_driver_tells_a_refusal_and_a_server_that_hangs_up(asker: driver.Asker) -> None:
    asker.connection_lost(None)
    assert asker.wrong == "the server hung up"
    asker.data_received(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
    assert asker.wrong == "HTTP/1.1 429 Too Many Requests"


def test_a_load_that_finds_nobody_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(RuntimeError, match=r"GET http://127\.0\.0\.1:1/"):
        load.rate(load.Load("http://127.0.0.1:1/"), 1)


def test_a_probe_is_late_by_what_it_comes_behind_the_pace_of_its_own_ping() -> None:
    late = listener.late([10.0, 11.0, 12.2, 12.9])
    assert [round(one, 6) for one in late] == [0.1, 0.1, 0.3, 0.0]


# ----- asking


def test_each_question_says_what_is_done_and_how_long_it_takes_and_all_fit_into_the_bound() -> None:
    texts = [path.read_text("utf-8") for path in QUESTIONS]  # to import them all takes what only `make bench` installs
    assert [path.stem for path in QUESTIONS] == bench.names()
    assert all(ast.get_docstring(ast.parse(text)) for text in texts)
    assert all("\ndef run(full: bool, folder: Path) -> " in text for text in texts)
    takes = [found for text in texts for found in re.findall(r"^TAKES = (\d+)$", text, re.MULTILINE)]
    assert len(takes) == len(texts)
    assert sum(map(int, takes)) < bench.MOST


def test_a_question_that_fails_is_told_and_the_others_are_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def answered(name: str, **_: object) -> bool:
        asked.append(name)
        return name != "engine"

    monkeypatch.setattr(bench, "takes", lambda name: 1)
    monkeypatch.setattr(bench, "asked", answered)
    monkeypatch.setattr("sys.argv", ["bench", "bulk", "engine", "live"])
    assert bench.main() == 1
    assert asked == ["bulk", "engine", "live"]
    assert "Not answered: engine." in capsys.readouterr().out


def test_a_question_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "nothing"])
    with pytest.raises(SystemExit):
        bench.main()
    assert "there is no question nothing" in capsys.readouterr().err


def test_a_question_runs_in_its_quick_form_and_leaves_the_page_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    before = report.PAGE.read_text("utf-8")
    assert bench.asked("waiting", full=False, seconds=240)
    assert "| memory of a waiting task, 1,000 of them |" in capsys.readouterr().out
    assert report.PAGE.read_text("utf-8") == before


def test_a_question_that_takes_too_long_is_ended_with_all_it_has_started(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(psutil.Process().children(recursive=True))
    assert not bench.asked("waiting", full=True, seconds=0.7)
    assert "It took longer than" in capsys.readouterr().out
    end = time.monotonic() + 60
    while left := set(psutil.Process().children(recursive=True)) - before:
        assert time.monotonic() < end, left
        time.sleep(0.05)
