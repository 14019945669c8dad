"""The search box of Activity: `mira via:api -via:schedule since:7d until:2026-11-22`. Each term is a chip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _
from msgspec.structs import replace

from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.grammar import Piece, pieces
from tasks_app.presenters.activity_filter import LONGEST, Wanted, moment
from tasks_app.presenters.activity_words import doors
from tasks_app.presenters.filters import Chip

FIELDS = {"who": "who", "door": "door", "from": "since", "to": "until"}  # parameters of the address, and the names they have in a filter
KEYS = {"who": "who", "via": "door", "door": "door", "since": "from", "from": "from", "until": "to", "to": "to"}
SHOWN = {"who": "who", "door": "via", "from": "since", "to": "until"}
_OFFSET = re.compile(r"[+-]\d\d:\d\d")


def terms() -> list[str]:
    """What may be typed, to choose from."""
    ways = ["-via:schedule", *(f"via:{name}" for name, _word in doors() if not name.startswith("-"))]
    return ["since:1h", "since:24h", "since:7d", *ways]


def typed(text: str, chosen: Wanted, zone: str) -> Wanted:
    """The filter with what was typed; days and times without a zone are of the reader's, who is `zone` (`+02:00`, empty for UTC) ahead.
    Raises InvalidValue with a sentence."""
    found: dict[str, str] = {}
    for piece in pieces(text):
        name = KEYS.get(piece.key.lower()) if piece.key else "who"
        if name is None:
            raise InvalidValue(_("No key is called %(key)s: there are who, via, since and until.") % {"key": piece.key[:40]}, field="q")
        value = _value(name, piece, zone)
        found[name] = f"{found[name]} {value}" if name in found and not piece.key else value
    return replace(chosen, **{FIELDS[name]: value[:LONGEST] for name, value in found.items()})


def chips(chosen: Wanted, wrong: bool) -> Iterator[Chip]:
    """Each term of the filter; `wrong`: its times cannot be read."""
    for name, value in chosen.pairs().items():
        if name in FIELDS:
            rest = replace(chosen, **{FIELDS[name]: ""}).link()
            odd, said = wrong and name in ("from", "to"), value.removeprefix("-") if name == "door" else value
            yield Chip(key=SHOWN[name], value=said, without=rest, field=name, given=value, negated=said != value, wrong=odd)


def _value(name: str, piece: Piece, zone: str) -> str:
    value = piece.rest.replace('"', "").strip()
    if piece.key and not value:
        raise InvalidValue(_("Nothing stands behind %(key)s:") % {"key": piece.key[:40]}, field="q")
    if name == "door":
        return _door(piece, value)
    if piece.negated:
        raise InvalidValue(_("Only -via:schedule can be turned round."), field="q")
    return value if name == "who" else _local(name, value, zone)


def _door(piece: Piece, value: str) -> str:
    wanted = f"-{value.removeprefix('-')}" if piece.negated else value
    known = [name for name, _word in doors()]
    if wanted not in known:
        raise InvalidValue(_("There is no such way: there are %(ways)s.") % {"ways": ", ".join(known)}, field="q")
    return wanted


def _local(name: str, value: str, zone: str) -> str:
    """A moment as the address says it: with the reader's offset where it has none of its own."""
    moment(value, name)
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return value  # so long ago
    if not _OFFSET.fullmatch(zone) or found.tzinfo is not None:
        return value
    if len(value) == len("2026-11-22") and name == "to":
        found = datetime.combine(date.fromisoformat(value) + timedelta(days=1), datetime.min.time())
    return f"{found.isoformat(timespec='minutes')}{zone}"
