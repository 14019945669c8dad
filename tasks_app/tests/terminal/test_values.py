"""Params as they are typed become what the schema asks for."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from tasks_app.terminal.exits import Ends
from tasks_app.terminal.values import params_of
from tasks_app.terminal.words import clock, moment


class Inner(BaseModel):
    a: int


class Everything(BaseModel):
    count: int = 0
    share: float = 0.0
    on: bool = False
    text: str = ""
    secret: SecretStr = SecretStr("")
    tags: list[str] = []
    ports: list[int] = []
    maybe: int | None = None
    either: int | str = 0
    word: Literal["a", "b"] = "a"
    inner: Inner | None = None
    free: dict[str, int] = {}
    bounded: Annotated[int, Field(ge=1)] = 1


SCHEMA = Everything.model_json_schema()


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("count=3", 3),
        ("count=-3", -3),
        ("share=0.5", 0.5),
        ("share=2", 2),
        ("share=1e3", 1000.0),
        ("on=yes", True),
        ("on=FALSE", False),
        ("text=3", "3"),
        ("text=", ""),
        ("text=a=b", "a=b"),
        ("text=@@home", "@home"),
        ("secret=hush", "hush"),
        ("tags=a,b", ["a", "b"]),
        ("tags=", []),
        ('tags=["a,b"]', ["a,b"]),
        ("ports=80, 443", [80, 443]),
        ("maybe=", None),
        ("maybe=null", None),
        ("maybe=4", 4),
        ("either=4", 4),
        ("either=four", "four"),
        ("word=b", "b"),
        ('inner={"a": 1}', {"a": 1}),
        ('free={"x": 1}', {"x": 1}),
    ],
)
def test_a_value_is_of_its_fields_kind(typed: str, value: object):
    (found,) = params_of([typed], SCHEMA).values()
    assert (found, type(found)) == (value, type(value))
    assert Everything.model_validate(params_of([typed], SCHEMA))


@pytest.mark.parametrize(
    "typed",
    ["count=", "count=1.5", "count=x", "share=nan", "share=inf", "on=maybe", "ports=80,http", "maybe=x", "inner=[1]", "inner={", "tags=[1"],
)
def test_a_value_of_another_kind_is_a_sentence_that_names_its_field(typed: str):
    with pytest.raises(Ends, match="has to be"):
        params_of([typed], SCHEMA)


def test_a_value_may_stand_in_a_file(tmp_path: Path):
    (tmp_path / "note").write_text("Zwei Zeilen\nübrig\n", "utf-8")
    assert params_of([f"text=@{tmp_path / 'note'}"], SCHEMA) == {"text": "Zwei Zeilen\nübrig"}
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(Ends, match="cannot be read"):
        params_of([f"text=@{tmp_path / 'bytes'}"], SCHEMA)


@given(st.text(max_size=30).filter(lambda text: text != "-" and not text.startswith("@")), st.sampled_from(sorted(SCHEMA["properties"])))
def test_whatever_is_typed_is_a_value_or_a_sentence(text: str, name: str):
    with suppress(Ends):
        assert list(params_of([f"{name}={text}"], SCHEMA)) == [name]


def test_all_times_are_of_this_machines_zone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        told = "2026-01-31T20:00:00.5Z"
        assert (moment(told), clock(told)) == ("2026-02-01 01:30:00", "01:30:00")
    finally:
        monkeypatch.undo()
        time.tzset()
