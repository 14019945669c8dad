"""The search box: what is understood, what is refused and how, and that a term holds for the tasks it should."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine import grammar
from tasks_app.engine import task as t
from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.grammar import KEYS, MAX_TERMS, quoted, terms_of
from tasks_app.engine.query import parse_query
from tasks_app.engine.task import Status, Task, TaskError
from tasks_app.tests.engine.records import DONE, a_task, begun

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC).timestamp()
FIELDS = {"address", "port", "deep", "n", "on"}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def found(text: str, task: Task) -> bool:
    return all(term.holds(task) for term in terms_of(text, NOW, FIELDS) if term.key not in grammar.INDEXED)


def refusal(text: str) -> str:
    with pytest.raises(InvalidValue) as refused:
        list(terms_of(text, NOW, FIELDS))
    assert refused.value.field == "q"
    return refused.value.message


PING = a_task(
    7,
    name="Nightly Über",
    tags=("eu-west",),
    params=b'{"address":"10.0.0.7","port":80,"deep":{"x":[1]},"on":true}',
    error=TaskError("ValueError", "told to fail"),
    by="Mira",
    via="api",
    created_at=at("2026-11-22T09:00:00"),
)


@pytest.mark.parametrize(
    "text", ["7", "ID-7", "scripted", "nightly", "eu west", "ÜBER", "10.0.0.7", "valueerror", "told FAIL", '"told to"']
)
def test_words_are_looked_for_in_all_that_a_person_would_look_for(text: str) -> None:
    assert found(text, PING)
    assert not found(f"{text} nosuchword", PING)
    assert not found(f"-{text}", PING)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("name:night", True),
        ('name:"nightly ü"', True),
        ("name:daily", False),
        ("name:daily,night", True),
        ("-name:daily", True),
        ("-name:daily,night", False),
        ("by:mira", True),
        ("via:dashboard", False),
        ("by:=Mira", True),
        ("by:=Mir", False),
        ("by:=mira", False),
        ("by:=anna,mir", True),
        ("-by:=Mira", False),
        ('name:="Nightly Über"', True),
        ('name:"=nightly"', False),
        ("name:=", False),
        ("id:=id-7", True),
        ("id:=d-7", False),
        ("address:=10.0.0.7", True),
        ("address:=10.0.0", False),
        ("error:told", True),
        ('error:"told to fail"', True),
        ("error:valueerror", True),
        ("id:id-7", True),
        ("address:10.", True),
        ("address:10.0.0.8", False),
        ("-address:10.", False),
        ("port:80", True),
        ("port:8", False),
        ("port:443,80", True),
        ("port:80.0", True),
        ("port:>79", True),
        ("port:>80", False),
        ('address:">"', False),
        ("port:1..79,90..99", False),
        ("-port:<=80", False),
        ("on:true", True),
        ("on:1", False),
        ("deep:[1]", True),
        ("n:1", False),
        ("-n:1", True),
        ("number:7", True),
        ("number:8,7", True),
        ("number:5..7", True),
        ("number:>7", False),
        ("number:>=7", True),
        ("number:<7", False),
        ("number:<=7", True),
        ("-number:7", False),
        ("created:2026-11-22", True),
        ("created:2026-11-21", False),
        ("created:>2026-11-22", False),
        ("created:>=2026-11-22", True),
        ("created:<2026-11-22", False),
        ("created:<=2026-11-22", True),
        ("created:2026-11-22T09:00..2026-11-22T09:30", True),
        ("created:2026-11-22T10:00+01:00..2026-11-22T10:30+01:00", True),
        ("created:>2h", True),
        ("created:<2h", False),
        ("created:>1h", False),
        ("created:1d..1h", True),
        ("attempt:0", True),
        ("ended:>1d", False),
        ("duration:>1s", False),
        ("-duration:>1s", True),
    ],
)
def test_a_term_holds_or_does_not(text: str, holds: bool) -> None:
    assert found(text, PING) is holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [("duration:>4s", True), ("duration:>5s", False), ("duration:5", True), ("duration:100ms..1m", True), ("duration:<0.1m", True)],
)
def test_a_duration_is_the_last_attempts(text: str, holds: bool) -> None:
    assert found(text, t.finished(begun(), DONE, monotonic=15.0)) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stauts:failed", "has no key stauts"),
        ("type:", "needs a value behind type:"),
        ("type:,", "needs a value behind type:"),
        ('"open', "quote that is not closed"),
        ('type:"open', "quote that is not closed"),
        ("number:x", "cannot read number:x; for example number:120"),
        ("number:1..", "cannot read number:1..;"),
        ("port:>", "cannot read port:>; for example port:>100; in quotes it is a text"),
        ("port:80,<x", "cannot read port:<x"),
        ("created:yesterday", "cannot read created:yesterday; for example created:>2h"),
        ("created:2026-13-40", "cannot read created:2026-13-40"),
        ("created:99999999w", "cannot read"),
        ("duration:long", "for example duration:>90s"),
        ("x" * 501, "at most 500 characters"),
        ("a\0b", "at most 500 characters of text"),
        ("a " * (MAX_TERMS + 1), "at most 16 words"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(text: str, said: str) -> None:
    if text == "created:99999999w":
        list(terms_of(text, NOW, FIELDS))  # long before 1970, and so no fault
    else:
        assert said in refusal(text)


@pytest.mark.parametrize("text", ["http://example.org/x", "10.0.0.1:80", "a,b", '"status:failed"', "x:y".join('""')])
def test_what_looks_like_a_term_and_is_none_is_a_word(text: str) -> None:
    (term,) = terms_of(text, NOW, FIELDS)
    assert term.key == ""


def test_keys_are_known_in_any_case_and_a_lone_minus_says_nothing() -> None:
    assert [term.key for term in terms_of("STATUS:failed - Type:ping", NOW, FIELDS)] == ["status", "type"]


def test_without_a_list_of_fields_any_key_may_be_one() -> None:
    assert [term.key for term in terms_of("maxBytes:5", NOW)] == ["maxBytes"]


def test_terms_of_indexed_keys_become_sets() -> None:
    query = parse_query(text="status:failed,completed -status:pending type:ping -type:count tag:A,b -tag:c word", statuses=["cancelled"])
    assert query.statuses == {Status.FAILED, Status.COMPLETED, Status.CANCELLED}
    assert [*query.not_statuses, *query.types, *query.not_types] == [Status.PENDING, "ping", "count"]
    assert (sorted(query.tags), sorted(query.not_tags)) == (["A", "b"], ["c"])
    assert [term.values for term in query.terms] == [("word",)]


def test_a_wrong_value_of_an_indexed_key_is_the_search_boxs_fault() -> None:
    for text in ("status:broken", "-status:broken"):
        with pytest.raises(InvalidValue) as refused:
            parse_query(text=text)
        assert refused.value.field == "q"


def test_secrets_are_not_searched() -> None:
    task = a_task(params=b'{"p":"**********"}', secrets=b'{"p":"hunter2"}')
    assert not parse_query(text="hunter2").matches(task)
    assert not parse_query(text="p:hunter2").matches(task)


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*KEYS, ":", "-", '"', ",", "..", ">", "<", "=", " ", "1", "2026-01-01", "h", "//"])).map("".join)
)
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    with suppress(InvalidValue):
        parse_query(text=text, fields=FIELDS).matches(PING)


@given(st.text(alphabet=st.characters(exclude_characters='"', categories=["L", "N", "P", "S", "Z", "M"]), min_size=1, max_size=40))
def test_a_quoted_value_comes_back(value: str) -> None:
    (term,) = terms_of(f"tag:{quoted(value)}", NOW)
    assert term.values == (value,)
