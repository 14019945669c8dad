"""Lines: the fields, their three forms, and that nobody's text can make a second line or a field of its own."""

from __future__ import annotations

import logging
import math
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.logs.lines import FOREIGN, LONGEST, LONGEST_TRACEBACK, Form, about, formatter
from tasks_app.tests.logs.said import from_json, from_logfmt, record

HOSTILE = (
    "two\nlines",
    "two\r\nlines",
    "back\rto the start",
    "\x1b[2J\x1b[31mred",
    "\u2028 \u2029 \x85 \x0b \x0c \x1c",
    "\x00\x07\x08\x7f\x9b",
    "\u202egnirts desrever\u2066",
    "invisible \u200b\u200d\ufeff",
    "half a pair \ud800",
    'quotes " and "more"',
    'level=error task="none of yours"',
    '", "level": "error',
    "\\",
    '\\" level=error',
    "%s %d {} {0}",
    " ",
    "=",
    "Ärger mit Юникод, 測試 and 🙂",
)
NOW = 1_795_000_000.25


def fields(text: str) -> dict[str, object]:
    return {"time": "2026-11-18T11:06:40.250000Z", "level": "info", "event": "it_happened", "logger": "some.where", "message": text}


def lines(form: Form, text: str, **values: object) -> list[str]:
    """The one line of a record that tells of `text` wherever text can come from."""
    made = formatter(form).format(record(text, created=NOW, **about("it_happened", error=text, **values)))
    return made.splitlines()  # more line breaks than any terminal or log collector knows


@pytest.mark.parametrize("text", HOSTILE)
def test_json_is_one_line_with_the_fields_that_were_meant_and_gives_the_text_back(text):
    (line,) = lines("json", text)
    assert from_json(line) == {**fields(text), "error": text}
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in line)


@pytest.mark.parametrize("text", HOSTILE)
def test_logfmt_is_one_line_with_the_fields_that_were_meant_and_gives_the_text_back(text):
    (line,) = lines("logfmt", text)
    assert from_logfmt(line) == {**fields(text), "error": text}
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in line)


@pytest.mark.parametrize("text", HOSTILE)
def test_for_people_it_is_one_line_and_the_fields_end_where_the_message_begins(text):
    (line,) = lines("people", text, number=7)
    head, separator, rest = line.partition(" error=")
    assert head == "2026-11-18 11:06:40.250Z INFO    it_happened"
    assert separator
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in line)
    assert from_logfmt(f"error={rest.partition(' number=7: ')[0]}") == {"error": text}
    message = rest.partition(" number=7: ")[2]
    assert "=" not in message or from_logfmt(f"message={message}") == {"message": text}


@given(st.text(st.characters()), st.sampled_from(["json", "logfmt"]))
def test_any_text_at_all_comes_back_from_a_single_line(text, form):
    (line,) = lines(form, text)
    found = from_json(line) if form == "json" else from_logfmt(line)
    assert found == {**{name: value for name, value in fields(text).items() if value != ""}, "error": text}


@given(st.text(st.characters()))
def test_any_text_at_all_is_one_line_for_people(text):
    assert len(lines("people", text)) == 1


def test_a_line_for_people_reads_well():
    told = about("task_failed", number=12, type="ping", duration=3.2, error="Unreachable", task="0192")
    made = formatter("people").format(record("no answer from 10.0.0.1", created=NOW, levelname="WARNING", **told))
    assert made == (
        "2026-11-18 11:06:40.250Z WARNING task_failed number=12 type=ping duration=3.2 error=Unreachable task=0192: no answer from 10.0.0.1"
    )


def test_what_is_none_is_left_out_and_an_empty_message_too():
    assert list(from_json(formatter("json").format(record(**about("it_happened", by=None))))) == ["time", "level", "event", "logger"]


def test_numbers_stay_numbers_and_what_json_has_no_number_for_is_text():
    told = about("it_happened", whole=3, part=0.12345678, flag=True, never=math.nan, ever=math.inf)
    found = from_json(formatter("json").format(record(**told)))
    assert (found["whole"], found["part"], found["flag"], found["never"], found["ever"]) == (3, 0.123457, True, "nan", "inf")
    assert from_logfmt(formatter("logfmt").format(record(**told)))["flag"] == "true"


def test_long_values_are_cut():
    found = from_json(lines("json", "x" * 1_000_000)[0])
    assert len(found["message"]) == len(found["error"]) == LONGEST + 1
    assert found["message"].endswith("…")


@pytest.mark.parametrize(
    ("logger", "event"),
    [
        ("uvicorn.error", FOREIGN),
        ("django.request", "request_failed"),
        ("django.security.csrf", "request_refused"),
        ("django.requests", FOREIGN),
    ],
)
def test_a_library_s_lines_have_an_event_too(logger, event):
    found = from_json(formatter("json").format(record("In its own words", name=logger)))
    assert (found["event"], found["message"]) == (event, "In its own words")


def test_what_floods_note_is_part_of_the_message():
    assert from_json(formatter("json").format(record("Again", note=" (3 more)")))["message"] == "Again (3 more)"


class Hostile(Exception):
    """Says what looks like a line."""


def failed(text: str) -> logging.LogRecord:
    try:
        raise Hostile(text)
    except Hostile:
        return record("It broke", levelname="ERROR", created=NOW, exc_info=sys.exc_info())


def test_an_error_has_its_type_and_its_traceback():
    for found in (from_json(formatter("json").format(failed("why"))), from_logfmt(formatter("logfmt").format(failed("why")))):
        assert (found["error"], found["message"]) == ("Hostile", "It broke")
        assert found["traceback"].splitlines()[0] == "Traceback (most recent call last):"
        assert found["traceback"].splitlines()[-1].endswith("Hostile: why")


@pytest.mark.parametrize("text", HOSTILE)
def test_for_people_a_traceback_follows_indented_so_that_it_cannot_pass_for_a_line(text):
    first, *others = formatter("people").format(failed(text)).split("\n")
    assert first.endswith(" ERROR   some.where error=Hostile: It broke")
    assert others
    assert all(line.startswith("    ") for line in others)
    assert all(char.isprintable() or char == "\u3000" for line in others for char in line)


def test_a_traceback_keeps_its_end_when_it_is_cut():
    found = from_json(formatter("json").format(failed("x" * 100_000 + "the end")))
    assert len(found["traceback"]) == LONGEST_TRACEBACK + 1
    assert found["traceback"].endswith("the end")


def test_colours_are_for_those_who_ask():
    plain, coloured = (formatter("people", colours=wanted).format(failed("why")) for wanted in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[31mERROR  \x1b[0m" in coloured
    assert coloured.replace("\x1b[31m", "").replace("\x1b[0m", "") == plain
