"""Form fields made from the schema of a params model."""

from __future__ import annotations

import pydantic
import pytest

from tasks_app.engine.registry import Params
from tasks_app.presenters.fields import Field, fields
from tasks_app.tests.web.formed import FormedParams

FIELDS = {field.name: field for field in fields(FormedParams.model_json_schema())}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("word", "text"),
        ("whole", "integer"),
        ("share", "number"),
        ("flag", "boolean"),
        ("colour", "choice"),
        ("level", "choice"),
        ("maybe", "integer"),
        ("token", "secret"),
        ("numbers", "json"),
        ("account", "json"),
    ],
)
def test_each_type_has_its_input(name, kind):
    assert FIELDS[name].kind == kind


def test_limits_stand_in_the_input_and_in_the_hint():
    assert FIELDS["word"].attrs == {"type": "text", "minlength": "2", "maxlength": "8", "pattern": ".*(?:^[a-z]+$).*", "required": ""}
    assert FIELDS["word"].hint == "Required, 8 characters at most"
    assert FIELDS["whole"].attrs == {"type": "number", "step": "1", "min": "1", "max": "10"}
    assert FIELDS["whole"].hint == "1 to 10, default 5"


def test_an_open_limit_is_said_but_not_given_to_the_browser_which_knows_only_closed_ones():
    assert FIELDS["share"].attrs == {"type": "number", "step": "any"}
    assert FIELDS["share"].hint == "Above 0, below 1, default 0.5"


def test_a_choice_names_its_values_and_may_be_empty_where_null_is_allowed():
    assert FIELDS["colour"].choices == (('"red"', "red"), ('"blue"', "blue"))
    assert FIELDS["level"].choices == (("", ""), ("1", "1"), ("2", "2"), ("3", "3"))


def test_a_secret_is_a_password_and_its_default_is_not_told():
    assert FIELDS["token"].attrs["type"] == "password"
    assert "default" not in FIELDS["token"].hint


def test_what_has_no_input_of_its_own_is_json():
    assert FIELDS["numbers"].hint == "Default [1], as JSON"
    assert FIELDS["account"].nullable


@pytest.mark.parametrize(
    "schema",
    [{}, {"properties": {}}, {"properties": {"any": {}}}, {"properties": {"x": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}}],
)
def test_a_schema_that_says_little_still_makes_a_form(schema):
    assert all(isinstance(field, Field) and field.kind == "json" for field in fields(schema))


def test_a_field_is_called_by_its_title_or_else_by_its_name() -> None:
    class Titled(Params):
        url: str = pydantic.Field(title="URL")
        fail_if_unreachable: bool = True

    assert [field.label for field in fields(Titled.model_json_schema())] == ["URL", "Fail if unreachable"]


def test_what_a_type_hides_is_no_field_of_a_form() -> None:
    class Hiding(Params):
        shown: int = 1
        kept: float | None = pydantic.Field(None, json_schema_extra={"hidden": True})

    assert [field.name for field in fields(Hiding.model_json_schema())] == ["shown"]
