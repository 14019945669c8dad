"""The catalogue of Russian texts is whole: nothing is left out, nothing is guessed, nothing is there that nobody says."""

from __future__ import annotations

import re
import string
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message

from tasks_app.management.commands.messages import forms, merged, mo, po, po_of, read
from tasks_app.management.messages import messages
from tasks_app.tests.processes import ROOT

FORMS = 3  # of a plural in Russian
HINT = "run `make messages`, translate what is new in tasks_app/locale/ru/LC_MESSAGES/django.po, and run it again"


@cache
def catalogue() -> Catalog:
    return read(po_of(ROOT))


def texts(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is translated, and its translations; one of each where there is no plural."""
    if message.pluralizable:
        return tuple(message.id), forms(message)
    return (str(message.id),), forms(message)


def holes(text: str) -> set[str]:
    """The names of the values that are put into a text, and unnamed places."""
    named = set(re.findall(r"%\((\w+)\)s", text)) | set(re.findall(r"(?<!%)%s", text))
    if named or "{" not in text:
        return named
    return {f"{{{name}}}" for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def entries() -> list[Message]:
    return [message for message in catalogue() if message.id]


def test_every_text_that_is_handed_to_a_translation_function_is_in_the_catalogue():
    left_out = [f"{m.place}: {m.text}" for m in messages(ROOT) if catalogue().get(m.text, m.context or None) is None]
    assert left_out == [], HINT


def test_nothing_is_in_the_catalogue_that_nobody_says():
    said = {(m.context or None, m.text) for m in messages(ROOT)}
    assert [m.id for m in entries() if (m.context, texts(m)[0][0]) not in said] == [], HINT


def test_every_text_is_translated_in_all_its_forms():
    def whole(message: Message) -> bool:
        found = texts(message)[1]
        return all(found) and len(found) == (FORMS if message.pluralizable else 1)

    assert [m.id for m in entries() if not whole(m)] == [], HINT


def test_no_translation_is_a_guess():
    assert [m.id for m in entries() if m.fuzzy] == []


def test_translations_hold_the_same_values_as_what_they_translate():
    wrong = []
    for message in entries():
        given, made = texts(message)
        wrong += [(given, text) for text in made if holes(text) not in map(holes, given)]
    assert wrong == []


def test_white_space_at_the_ends_is_kept():
    def ends(text: str) -> tuple[bool, bool]:
        return text != text.lstrip(), text != text.rstrip()

    assert [m.id for m in entries() if any(ends(text) != ends(texts(m)[0][0]) for text in texts(m)[1])] == []


def test_quotes_and_units_are_as_they_are_set_in_russian():
    """Names in «», numbers and units held together by a space that does not break, ё where it belongs."""
    wrong = re.compile(r"[“”]|\d (?:мс|мин|ч|%|КиБ|МиБ)\b|(?:\W|^)(?:еще|ее|все еще)(?:\W|$)")
    assert [text for m in entries() for text in texts(m)[1] if wrong.search(text)] == []


def test_what_is_compiled_is_what_is_written():
    file = po_of(ROOT)
    assert file.with_suffix(".mo").read_bytes() == mo(merged(catalogue(), ROOT)), HINT
    assert file.read_bytes() == po(merged(catalogue(), ROOT)), HINT


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("%(count)s of 100 %%", {"count"}),
        ("%sst", {"%s"}),
        ("{count:,} of {all!r}", {"{count}", "{all}"}),
        ("about {}", {"{}"}),
        ("a {{brace}}", set()),
        ("none", set()),
    ],
)
def test_values_are_found_in_a_text(text: str, names: set[str]):
    assert holes(text) == names
