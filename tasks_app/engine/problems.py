"""What pydantic finds wrong, in sentences of our own: programs read its words, as they always did, people read ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from tasks_app.engine.sentences import Kept, Sentence

# By pydantic's types. Placeholders are values of the error's context; where there is none the sentence needs none.
_SAID: Mapping[str, Kept] = {
    "missing": Kept("This has to be filled in."),
    "extra_forbidden": Kept("There is no such field."),
    "none_required": Kept("Must be left out."),
    "int_type": Kept("Must be a whole number."),
    "int_parsing": Kept("Must be a whole number."),
    "int_parsing_size": Kept("Must be a whole number, and not as long as this."),
    "int_from_float": Kept("Must be a whole number."),
    "float_type": Kept("Must be a number."),
    "float_parsing": Kept("Must be a number."),
    "finite_number": Kept("Must be a number that is not infinite."),
    "greater_than": Kept("Must be more than {gt:,}."),
    "greater_than_equal": Kept("Must be {ge:,} or more."),
    "less_than": Kept("Must be less than {lt:,}."),
    "less_than_equal": Kept("Must be {le:,} or less."),
    "multiple_of": Kept("Must be a multiple of {multiple_of:,}."),
    "bool_type": Kept("Must be true or false."),
    "bool_parsing": Kept("Must be true or false."),
    "string_type": Kept("Must be text."),
    "string_unicode": Kept("Must be text that can be written as UTF-8."),
    "string_too_short": Kept("Must have {count:,} character at least.", "Must have {count:,} characters at least."),
    "string_too_long": Kept("Must have {count:,} character at most.", "Must have {count:,} characters at most."),
    "string_pattern_mismatch": Kept("Does not have the form that is asked for."),
    "literal_error": Kept("Must be one of: {expected}."),
    "enum": Kept("Must be one of: {expected}."),
    "list_type": Kept("Must be a list."),
    "dict_type": Kept("Must be an object."),
    "model_type": Kept("Must be an object."),
    "model_attributes_type": Kept("Must be an object."),
    "too_short": Kept("Must have {count:,} item at least.", "Must have {count:,} items at least."),
    "too_long": Kept("Must have {count:,} item at most.", "Must have {count:,} items at most."),
    "datetime_type": Kept("Must be a date and a time."),
    "datetime_parsing": Kept("Must be a date and a time."),
    "datetime_from_date_parsing": Kept("Must be a date and a time."),
    "datetime_object_invalid": Kept("Must be a date and a time."),
    "timezone_aware": Kept("Must say how far it is from UTC."),
}
_COUNTS = ("min_length", "max_length")


def problems_of(error: ValidationError, root: str) -> list[tuple[str, Sentence]]:
    """Each thing that is wrong: where, as a dotted path (`root` for the whole), and a Sentence whose English is pydantic's."""
    found = error.errors(include_url=False, include_input=False)
    return [(".".join(map(str, one["loc"])) or root, _sentence(one["type"], one["msg"], one.get("ctx", {}))) for one in found]


def plainly(problems: Iterable[tuple[str, Sentence]]) -> list[tuple[str, Sentence]]:
    """The same without the words that pydantic puts before what a check of ours says."""
    return [(name, _with_text(text.removeprefix("Value error, "), text)) for name, text in problems]


def _sentence(kind: str, said: str, context: Mapping[str, Any]) -> Sentence:
    if kind == "value_error":
        inner = context["error"].args[0] if context["error"].args else ""
        return _with_text(said, inner if isinstance(inner, Sentence) else _verbatim(str(inner)))
    known = _SAID.get(kind)
    if known is None:
        return _verbatim(said)
    values = {**context, "count": next((context[name] for name in _COUNTS if name in context), 0)}
    values["expected"] = str(context.get("expected", "")).replace(" or ", ", ")
    return Sentence(said, known.template, values, plural=known.plural, apart=True)


def _verbatim(said: str) -> Sentence:
    """A sentence that is its own template: a check of ours that says always the same, or words of pydantic's that nobody translated."""
    return Sentence(said, said.replace("{", "{{").replace("}", "}}"), {})


def _with_text(text: str, said: Sentence) -> Sentence:
    return Sentence(text, said.template, said.values, plural=said.plural, glued=said.glued, apart=True)
