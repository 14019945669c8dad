"""What the engine says, on a page of another language."""

from __future__ import annotations

import pickle
import re
import string
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import msgspec
import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from tasks_app import handlers
from tasks_app import runtime as runtime
from tasks_app.engine.errors import IllegalTransition, InvalidParams, NotFound
from tasks_app.engine.problems import problems_of
from tasks_app.engine.sentences import KEPT, Kept, joined, say, say_many
from tasks_app.engine.task import Status
from tasks_app.presenters.sentences import translated
from tasks_app.tests.presenters.pages import UNHURRIED

for found in iter_modules(handlers.__path__, f"{handlers.__name__}."):
    import_module(found.name)


def ru(text: object) -> str:
    with translation.override("ru"):
        return translated(text).replace("\u00a0", " ").replace("\u202f", " ")


def test_to_a_program_a_sentence_is_plain_english_text():
    said = say("There is no task type {name!r}.", name="x")
    assert said == "There is no task type 'x'."
    assert type(str(said)) is str
    assert type(pickle.loads(pickle.dumps(said))) is str
    error = NotFound(said)
    assert type(error.message) is str
    assert msgspec.json.encode(error.message) == b"\"There is no task type 'x'.\""


def test_a_page_says_it_in_its_language():
    assert ru(say("There is no task type {name!r}.", name="x")) == "Типа задач 'x' нет."
    with translation.override("en"):
        assert translated(say("There is no task type {name!r}.", name="x")) == "There is no task type 'x'."


@pytest.mark.parametrize(("count", "said"), [(1, "1 проба"), (3, "3 пробы"), (11, "11 проб"), (21, "21 проба"), (4312, "4 312 проб")])
def test_numbers_have_the_forms_and_separators_of_the_language(count: int, said: str):
    assert ru(say_many("{count:,} probe", "{count:,} probes", count=count)) == said


def test_sentences_within_others_are_said_too():
    probes = say_many("{count:,} probe", "{count:,} probes", count=2)
    assert ru(joined(" · ", ("10.0.0.1:443", say("{probes}, {time} apart", probes=probes, time=say("{number:.3g} s", number=0.25))))) == (
        "10.0.0.1:443 · 2 пробы, раз в 0,25 с"
    )


def test_a_refusal_names_states_as_the_page_does():
    said = say("A task that is {status} cannot become {other}.", status=Status.COMPLETED, other=Status.PENDING)
    assert ru(IllegalTransition(said).sentence) == "Задача, которая завершена, не может стать такой: в очереди."
    assert IllegalTransition(said).message == "A task that is completed cannot become pending."


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        ("Probe 1,430 of 2,000: 12.4 ms", "Проба 1 430 из 2 000: 12,4 мс"),
        ("Probe 3 of 5: no answer within 3 m 20 s", "Проба 3 из 5: нет ответа за 3 мин 20 с"),
        (
            "10.0.0.7:443 answered none of 40 probes: connection refused",
            "10.0.0.7:443 не ответил ни на одну из 40 проб: в соединении отказано",
        ),
        ("[::1]:80 answered none of 1 probe: no route to host", "[::1]:80 не ответил на 1 пробу: нет пути к узлу"),
        (
            "https://a.example/x: 3 of 5 checks failed; check 2: answered 503, not 200",
            "https://a.example/x: не удалось 3 проверок из 5; проверка 2: ответ 503, а не 200",
        ),
        ("1.24 of 3.10 GB, 18.2 MB/s", "1,24 из 3,10 ГБ, 18,2 МБ/с"),
        (
            "Timed out after 2.5 s. Its code could not be stopped and may still be running.",
            "Не уложилась в 2,5 с. Её код остановить не удалось, возможно, он ещё работает.",
        ),
        ("… answered none of … probes: connection refused", "… не ответил ни на одну из … проб: в соединении отказано"),
        ("Unreachable", "Недоступен"),
        ("operator", "оператор"),
    ],
)
def test_what_stands_in_a_record_is_known_again(recorded: str, said: str):
    assert ru(recorded) == said


@pytest.mark.parametrize(
    "text", ["", "Loading, one moment", "ValueError: too long", "Проба 3", "{0} {name} %s", "1e9 probes", "x" * 10_000, "a: b: c", "\0"]
)
def test_what_nobody_of_us_wrote_stays_as_it_is(text: str):
    assert ru(text) == text


def values_of(kept: Kept) -> dict[str, Any]:
    """Values for each place of a template: a word, or a number where it is formatted."""
    made: dict[str, Any] = {}
    for _, name, spec, _ in string.Formatter().parse(kept.template):
        if name:
            made[name] = 7 if spec else "zulu"
    return made | ({"count": 7} if kept.plural else {})


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.template[:40])
def test_each_sentence_that_may_stand_in_a_record_is_known_again(kept: Kept):
    made = kept(**values_of(kept))
    if any(map(str.isalpha, re.sub(r"{[^}]*}", "", kept.template))):  # one without a word of its own is known by its parts
        assert ru(str(made)) == ru(made)


@UNHURRIED
@given(st.text(max_size=700))
def test_any_text_can_be_looked_at(text: str):
    assert isinstance(ru(text), str)


@pytest.mark.parametrize("text", ["a: " * 199, "answered " * 66, "x has no " * 60 + "record", ", " * 299, "a. B: c, " * 60, "1 of " * 120])
def test_no_text_keeps_the_loop_for_long(text: str):
    """It is looked at on the loop that answers everybody: a pattern that goes back over it again and again would take hours."""
    assert ru(text)


class Model(BaseModel):
    """One field for each thing that is often wrong."""

    whole: int = Field(ge=1, le=10)
    short: str = Field(max_length=3)
    part: float = Field(gt=0.5)


def test_what_pydantic_finds_is_said_in_our_words_and_told_to_programs_in_its_own():
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"whole": 11, "short": "abcd", "part": "x"})
    found = InvalidParams(problems_of(caught.value, "body"))
    assert found.problems[0] == ("whole", "Input should be less than or equal to 10")
    assert [ru(text) for _, text in found.sentences] == ["Нужно 10 или меньше.", "Можно не больше 3 знаков.", "Нужно число."]
    with translation.override("en"):
        assert translated(found.sentence).startswith("whole: Must be 10 or less.; short: Must have 3")
        assert [translated(text) for _, text in found.sentences] == [
            "Must be 10 or less.",
            "Must have 3 characters at most.",
            "Must be a number.",
        ]
