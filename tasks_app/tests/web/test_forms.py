"""From form strings to JSON values, and back."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.presenters.fields import fields
from tasks_app.tests.web.formed import FormedParams
from tasks_app.web import forms

FIELDS = fields(FormedParams.model_json_schema())


def read(**given):
    problems: forms.Problems = []
    params = forms.params_of(FIELDS, {f"params.{name}": text for name, text in given.items()}, problems)
    return params, problems


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("word", "abc", "abc"),
        ("free", "", ""),
        ("whole", "7", 7),
        ("whole", " 7 ", 7),
        ("whole", "seven", "seven"),
        ("whole", "7.5", "7.5"),
        ("whole", "9" * 5000, "9" * 5000),
        ("share", "0.25", 0.25),
        ("share", "1e-3", 0.001),
        ("share", "nan", "nan"),
        ("share", "1e999", "1e999"),
        ("flag", "on", True),
        ("colour", '"blue"', "blue"),
        ("level", "2", 2),
        ("level", "", None),
        ("maybe", "", None),
        ("numbers", "[1, 2]", [1, 2]),
    ],
)
def test_text_becomes_the_value_its_field_is_for(name, text, expected):
    params, problems = read(**{name: text})
    assert params[name] == expected
    assert problems == []


@pytest.mark.parametrize("name", ["word", "whole", "share", "colour", "numbers", "token"])
def test_an_empty_input_leaves_the_default(name):
    assert name not in read(**{name: ""})[0]


def test_a_tick_box_that_is_not_sent_is_off():
    assert read()[0]["flag"] is False


@pytest.mark.parametrize("text", ["{", "[NaN]", "[Infinity]", "[" * 100_000, "nonsense"])
def test_what_is_no_json_is_a_problem_beside_its_input(text):
    params, problems = read(numbers=text)
    assert "numbers" not in params
    assert [name for name, _ in problems] == ["params.numbers"]


def test_a_param_that_nobody_knows_is_passed_on_to_be_refused():
    assert read(surprise="1")[0]["surprise"] == "1"


def test_tags_are_set_apart_by_spaces_or_commas_with_or_without_a_hash():
    launch, _ = forms.launch_of("formed", FIELDS, {"tags": " edge, #vpn\tnightly # "}, as_json=False)
    assert launch["tags"] == ["edge", "vpn", "nightly"]


@pytest.mark.parametrize(
    ("start", "offset", "run_at"),
    [
        ("2030-01-31T18:00", "+03:00", "2030-01-31T18:00:00+03:00"),
        ("2030-01-31T18:00:05", "", "2030-01-31T18:00:05Z"),
        ("tomorrow", "Z", "tomorrow"),
    ],
)
def test_a_start_time_carries_its_offset_and_is_utc_without_one(start, offset, run_at):
    launch, _ = forms.launch_of("formed", FIELDS, {"start": start, "start_offset": offset}, as_json=False)
    assert launch["run_at"] == run_at


@given(
    whole=st.integers(1, 10),
    share=st.floats(0.001, 0.999),
    free=st.text(min_size=1),
    flag=st.booleans(),
    numbers=st.lists(st.integers(-(2**53) + 1, 2**53 - 1), max_size=3),
    level=st.sampled_from([1, 2, 3, None]),
)
def test_what_a_form_shows_reads_back_as_the_same_values(**params):
    shown = forms.texts_of(FIELDS, params)
    again, problems = read(**{name.removeprefix("params."): text for name, text in shown.items()})
    assert problems == []
    for name, expected in params.items():
        found = again.get(name)
        assert found == expected or math.isclose(found, expected)


def test_secrets_are_never_filled_in():
    assert "params.token" not in forms.texts_of(FIELDS, {"token": "hunter2"})


@given(st.text())
def test_no_text_breaks_the_reading_of_a_number(text):
    found = forms.number(text)
    assert isinstance(found, str) or math.isfinite(found)
    assert json.dumps(found)
