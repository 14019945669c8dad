"""Form fields made from a JSON Schema: what an input needs to know of one property of a params model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.presenters import words
from tasks_app.presenters.sentences import described

Schema = Mapping[str, Any]
SHORT = 24  # characters: what is at most as long gets a short box


class Field(Struct, frozen=True, kw_only=True):
    """One property. `kind` is text, integer, number, boolean, choice, secret or json (whatever has no input of its own).

    `attrs` are attributes of the input; `choices` the values of a choice as JSON text, with what is shown for each.
    """

    name: str
    label: str
    kind: str
    description: str = ""
    hint: str = ""
    limits: str = ""
    required: bool = False
    nullable: bool = False
    default: Any = None
    has_default: bool = False
    short: bool = False
    attrs: dict[str, str] = {}
    choices: tuple[tuple[str, str], ...] = ()


def fields(schema: Schema) -> list[Field]:
    """The fields of a params model, in its order; those it marks `hidden` are no person's to fill in."""
    wanted = schema.get("required", ())
    known = schema.get("$defs", {})
    given = {name: found for name, found in schema.get("properties", {}).items() if not found.get("hidden")}
    return [_field(name, _resolved(found, known), name in wanted) for name, found in given.items()]


def _field(name: str, schema: Schema, required: bool) -> Field:
    kind = _kind(schema)
    default = schema.get("default")
    return Field(
        name=name,
        label=_label(name, schema),
        kind=kind,
        description=described(schema.get("description", "")),
        hint=_hint(schema, kind, required),
        limits=_limits(schema, kind),
        required=required,
        nullable=bool(schema.get("nullable")),
        default=default,
        has_default="default" in schema,
        short=kind in ("integer", "number") or (kind == "text" and schema.get("maxLength", SHORT + 1) <= SHORT),
        attrs=_attrs(schema, kind, required),
        choices=_choices(schema, required),
    )


def _resolved(schema: Schema, known: Schema) -> dict[str, Any]:
    """One flat schema: references followed, `X or null` taken apart."""
    found = dict(schema)
    if "$ref" in found:
        found = {**known.get(str(found.pop("$ref")).rpartition("/")[2], {}), **found}
    options = [_resolved(option, known) for option in found.pop("anyOf", ())]
    some = [option for option in options if option.get("type") != "null"]
    if len(some) < len(options):
        found["nullable"] = True
    return {**some[0], **found} if len(some) == 1 else found


def _kind(schema: Schema) -> str:
    if "enum" in schema or "const" in schema:
        return "choice"
    if schema.get("type") == "string":
        return "secret" if schema.get("format") == "password" else "text"
    kind = schema.get("type")
    return str(kind) if kind in ("integer", "number", "boolean") else "json"


def _label(name: str, schema: Schema) -> str:
    """The title a type gave the field; the one that is made of its name capitalises each word, which no sentence does."""
    words = name.replace("_", " ")
    title = str(schema.get("title", ""))
    return title if title and title != words.title() else words.capitalize()


def _choices(schema: Schema, required: bool) -> tuple[tuple[str, str], ...]:
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    found = [(json.dumps(value), value if isinstance(value, str) else json.dumps(value)) for value in values]
    none = [("", "")] if schema.get("nullable") or (required and len(found) > 1) else []
    return tuple(none + found)


def _attrs(schema: Schema, kind: str, required: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    if kind in ("integer", "number"):
        found = {"type": "number", "step": str(schema.get("multipleOf", 1 if kind == "integer" else "any"))}
        low, high = _bounds(schema)
        found |= {name: _plain(value) for name, value in (("min", low), ("max", high)) if value is not None}
    elif kind in ("text", "secret"):
        found = {"type": "password" if kind == "secret" else "text"}
        pairs = (("minlength", "minLength"), ("maxlength", "maxLength"))
        found |= {name: str(schema[key]) for name, key in pairs if key in schema}
        if "pattern" in schema:  # a schema's may match anywhere in the value, a browser's must match all of it
            found["pattern"] = f".*(?:{schema['pattern']}).*"
    if required and kind != "boolean":
        found["required"] = ""
    return found


def _bounds(schema: Schema) -> tuple[float | None, float | None]:
    whole = schema.get("type") == "integer"
    low, high = schema.get("minimum"), schema.get("maximum")
    if whole and "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + 1
    if whole and "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - 1
    return low, high


def _hint(schema: Schema, kind: str, required: bool) -> str:
    parts = [_("Required")] if required else []
    if limits := _limits(schema, kind):
        parts.append(limits)
    default = schema.get("default")
    if default not in (None, "") and kind != "boolean":
        parts.append(_("default %(value)s") % {"value": _said(default)})
    elif not required and kind != "boolean" and default is None:
        parts.append(_("may stay empty"))
    if kind == "json":
        parts.append(_("as JSON"))
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _limits(schema: Schema, kind: str) -> str:
    if kind in ("integer", "number"):
        return _range(schema)
    if kind in ("text", "secret") and "maxLength" in schema:
        return _("%(count)s characters at most") % {"count": words.count(schema["maxLength"])}
    return ""


def _range(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return _("%(low)s to %(high)s") % {"low": _said(schema["minimum"]), "high": _said(schema["maximum"])}
    bounds = (
        ("minimum", _("%(value)s or more")),
        ("exclusiveMinimum", _("above %(value)s")),
        ("maximum", _("%(value)s at most")),
        ("exclusiveMaximum", _("below %(value)s")),
    )
    return ", ".join(words_of % {"value": _said(schema[name])} for name, words_of in bounds if name in schema)


def _said(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return words.figure(value, 6)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)
