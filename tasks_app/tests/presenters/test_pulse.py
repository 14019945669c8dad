"""The pulse in words and figures: what is stacked, what each chart says, how well the engine is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.utils.html import strip_tags
from hypothesis import given
from hypothesis import strategies as st

from tasks_app import runtime as composed
from tasks_app.conf import Config
from tasks_app.engine.pulse import DAY, ENDS, HOUR, MINUTE, QUARTER, Slot, Span
from tasks_app.engine.task import Status
from tasks_app.engine.watchdog import Block
from tasks_app.presenters import pulse, pulse_charts, pulse_health, pulse_series, pulse_tiles
from tasks_app.presenters.pulse_series import Asked, asked_by
from tasks_app.runtime import Runtime

NOON = 1_800_000_000.0


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A runtime whose engine stands still."""
    built = Runtime(Config())
    monkeypatch.setattr(composed, "_runtime", built)
    monkeypatch.setattr(composed, "_pid", os.getpid())
    yield built
    built.stop()


def span(seconds: int = MINUTE, slots_in_all: int = HOUR, since: float = 0.0, *, told: Any = False, **ended: int) -> Span:
    """A span up to noon in whose last slot so many tasks ended, by type: all of them completed, in a second."""
    slots = tuple(Slot(NOON - seconds * back) for back in range(slots_in_all, 0, -1))
    for name, number in ended.items():
        slots[-1].count(name, 2, number)
        for _ in range(number):
            slots[-1].durations.add(1.0)
    return Span(seconds, slots, since, bool(told))


def plain(html: str) -> str:
    return " ".join(unescape(strip_tags(html)).replace("\u202f", " ").split())


def test_seven_types_have_a_colour_and_the_others_are_together() -> None:
    many = {f"type_{letter}": 20 - place for place, letter in enumerate("abcdefghi")}
    series = pulse_series.series_by(Asked(), span(**many))
    assert [one.key for one in series] == [*sorted(many)[:7], "~"]
    assert [one.look for one in series] == [f"series-{place}" for place in range(1, 9)]
    assert sum(series[-1].values) == 13 + 12


def test_a_colour_stays_with_its_type_while_the_same_ones_lead() -> None:
    before, after = span(ping=3, count=2, primes=1), span(ping=3, count=20, primes=10)
    assert [(s.key, s.look) for s in pulse_series.series_by(Asked(), before)] == [
        (s.key, s.look) for s in pulse_series.series_by(Asked(), after)
    ]


@given(st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.integers(2, 5), st.integers(1, 9)), max_size=40))
def test_what_is_stacked_adds_up_to_all_that_ended_however_it_is_divided(ends: list[tuple[str, int, int]]) -> None:
    found = span()
    for name, column, number in ends:
        found.slots[-1].count(name, column, number)
    for by in ("type", "status"):
        assert sum(sum(one.values) for one in pulse_series.series_by(Asked(by=by), found)) == sum(number for *_, number in ends)


def test_what_is_left_out_is_neither_drawn_nor_counted_and_its_legend_brings_it_back(now: Runtime) -> None:
    plot = pulse_charts.throughput(Asked(hidden=frozenset({"ping"})), span(ping=3, count=2))
    assert plain(plot.sentence).startswith("2 tasks finished in the last hour.")
    assert [column.heading for column in plot.columns] == ["Finished", "count"]
    assert [(entry.word, entry.shown, entry.link) for entry in plot.legend] == [
        ("count", True, "/pulse?span=hour&by=type&hide=count%2Cping"),
        ("ping", False, "/pulse?span=hour&by=type"),
    ]
    assert "type=count" in plot.ask


def test_all_can_be_left_out(now: Runtime) -> None:
    plot = pulse_charts.throughput(Asked(hidden=frozenset({"ping", "~"})), span(ping=3))
    assert plain(plot.sentence) == "No task finished in the last hour."
    assert plot.layers == ()


def test_types_that_are_left_out_while_others_share_a_colour_are_named_in_the_list_filter(now: Runtime) -> None:
    many = {f"type_{letter}": 20 - place for place, letter in enumerate("abcdefghi")}
    plot = pulse_charts.throughput(Asked(hidden=frozenset({"type_a"})), span(**many))
    assert "-type%3Atype_a" in plot.ask


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, Asked()),
        ({"span": "day", "by": "status", "hide": "failed,,cancelled"}, Asked("day", "status", frozenset({"failed", "cancelled"}))),
        ({"span": "<script>", "by": "colour", "hide": "x" * 5000}, Asked("hour", "type", frozenset({"x" * 1000}))),
    ],
)
def test_a_query_says_what_is_drawn_and_what_it_does_not_know_it_leaves(given: dict[str, str], asked: Asked) -> None:
    assert asked_by(given) == asked


def test_what_is_hidden_belongs_to_how_bars_are_divided(now: Runtime) -> None:
    asked = Asked("day", "type", frozenset({"ping"}))
    assert asked.link(by="status") == "/pulse?span=day&by=status"
    assert asked.link(span="hour") == "/pulse?span=hour&by=type&hide=ping"


def test_a_chart_says_itself(now: Runtime) -> None:
    plot = pulse_charts.throughput(Asked(), span(ping=90, count=30))
    assert (
        plain(plot.sentence)
        == "120 tasks finished in the last hour. That is 2 a minute. Most, 120, at 07:59. ping is the largest part with 75 %."
    )
    day = span(QUARTER, DAY, ping=48)
    assert "48 tasks finished in the last day. That is 2 an hour." in plain(pulse_charts.throughput(Asked("day"), day).sentence)


def test_what_happened_before_the_start_is_said_to_be_unknown_or_told_by_what_is_kept(now: Runtime) -> None:
    unknown = pulse_charts.throughput(Asked(), span(since=NOON - 1800, ping=60))
    assert plain(unknown.sentence).endswith("The server started at 07:30: nothing is known of the time before.")
    assert "That is 2 a minute." in plain(unknown.sentence), "of the half hour that is known"
    assert unknown.before == 500.0
    told = pulse_charts.throughput(Asked(), span(since=NOON - 1800, told=True, ping=60))
    assert plain(told.sentence).endswith("Before 07:30, when the server started, only tasks that are still kept are counted.")
    assert told.before == 0.0
    depth = pulse_charts.waiting(span(since=NOON - 1800, told=True), 0)
    assert "nothing is known of the time before" in plain(depth.sentence), "no task tells how many waited"


def test_failures_durations_and_depth_say_themselves(now: Runtime) -> None:
    found = span(ping=4)
    found.slots[-1].count("ping", 3, 2)
    found.slots[-2].count("ping", 5, 1)
    found.slots[-1].look(7, 3, 0.0)
    assert plain(pulse_charts.failures(found).sentence) == "2 tasks failed. 1 task was interrupted. Most, 2, at 07:59."
    assert plain(pulse_charts.took(found).sentence).startswith("Half within 1 s (the lines), 95 % within 1 s (the bars), the longest 1 s.")
    assert plain(pulse_charts.waiting(found, 2).sentence) == "2 wait now. Most, 7, at 07:59."
    assert plain(pulse_charts.busy(found, 1, 60).sentence) == "1 of 60 are busy now. Most, 3, at 07:59."


def test_nothing_is_a_sentence_as_well(now: Runtime) -> None:
    empty = span()
    said = [pulse_charts.throughput(Asked(), empty), pulse_charts.failures(empty), pulse_charts.took(empty), pulse_charts.waiting(empty, 0)]
    assert [plain(plot.sentence) for plot in said] == [
        "No task finished in the last hour.",
        "Nothing failed in the last hour.",
        "Nothing was completed in the last hour.",
        "Nothing waits now.",
    ]


def test_each_slot_is_a_row_of_the_table_the_newest_first_and_leads_to_its_tasks(now: Runtime) -> None:
    rows = re.findall(r"<tr id=\"(.*?)\".*?</tr>", pulse_charts.throughput(Asked(), span(ping=3)).rows)
    assert len(rows) == HOUR
    assert rows[0] == f"throughput-{NOON - 60:.0f}"
    first = re.search(r"<tr.*?</tr>", pulse_charts.failures(span(ping=3)).rows)
    assert first is not None
    assert 'href="/?status=failed&amp;status=interrupted&amp;q=ended%3A2027-01-15T07:59Z..2027-01-15T08:00Z"' in first[0]


def test_a_type_with_a_hostile_name_is_only_text(now: Runtime) -> None:
    """The registry refuses such names; what a journal holds of a type that is gone need not be trusted."""
    parts = pulse._drawn((pulse_charts.throughput(Asked(), span(**{"<script>\u202e{}": 3})),))
    assert all("<script>" not in html for html in parts.values())


def test_a_loop_that_is_late_is_told_from_one_that_is_blocked(now: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dog:
        delay = 0.001
        block: Block | None = None

    monkeypatch.setattr(now.host, "watchdog", Dog)
    found = span()
    found.slots[3].look(0, 0, 0.4)

    def gauge() -> pulse_health.Gauge:
        return next(pulse_health.gauges(now, found))

    assert (gauge().word, gauge().state, plain(gauge().more)) == ("well", "", "at worst 400 ms")
    Dog.delay = 0.3
    assert (gauge().word, gauge().state) == ("slow", "retrying")
    Dog.block = Block(now.engine.clock.monotonic() - 8, 12, "ping", "x.py:3 in f")
    assert (gauge().word, gauge().state, gauge().more) == ("blocked", "failed", "blocked by task 12 (ping) at x.py:3 in f")


def test_what_is_nearly_full_says_so_and_what_is_meant_to_be_full_is_well(now: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(now), "sockets", [0] * 1900, raising=False)
    now.__dict__.pop("sockets", None)
    monkeypatch.setattr(now.engine.queues, "running", now.engine.queues.max_running)
    by_name = {gauge.name: gauge for gauge in pulse_health.gauges(now, span())}
    assert (by_name["sockets"].said, by_name["sockets"].word) == ("1,900 of 2,000", "nearly full")
    assert (by_name["slots"].word, by_name["slots"].state) == ("full: tasks wait", "")
    assert (by_name["journal"].said, by_name["journal"].word) == ("off", "tasks do not outlive the process")


def test_tiles_hold_figures_against_something(now: Runtime) -> None:
    found = span(ping=249)
    found.slots[-1].count("ping", 2 + ENDS.index(Status.FAILED), 1)
    _, failed, waiting, took = pulse_tiles.tiles(now, found, hour=True)
    assert (failed.figure, plain(failed.more), failed.state) == ("1", "0.4 % of 250", "failed")
    assert (waiting.figure, waiting.link) == ("0", "")
    assert (plain(took.figure), plain(took.more)) == ("1 s", "95 % within 1 s")
