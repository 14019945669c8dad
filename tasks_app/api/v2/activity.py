"""Activity: who did what, when, from where."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from msgspec import Struct
from ninja import Router

from tasks_app.api.http import answer, query_of, whole_number
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.wire import Moment, moment
from tasks_app.auth import past
from tasks_app.auth.allow import Action
from tasks_app.auth.asking import may
from tasks_app.auth.audit import audit
from tasks_app.auth.entries import Entry
from tasks_app.presenters.activity_filter import KINDS, REFUSED, wanted

router = Router(tags=["Activity"])
DEFAULT_LIMIT, MAX_LIMIT = 50, 500
_TEXT = {"type": "string", "maxLength": 200}
_MOMENT = {"type": "string", "maxLength": 40}
_PARAMETERS = [
    parameter("who", _TEXT, "Part of a name; for an admin also of an address."),
    parameter("what", {"enum": [*KINDS, REFUSED]}, "Only deeds of a kind; `refused`: what was not allowed."),
    parameter("door", _TEXT, "Only what came by this way: dashboard, api, schedule, or the name of a dialect; `-schedule`: by any other."),
    parameter("from", _MOMENT, "Only since this day or time, as 2026-11-22 or 2026-11-22T14:00Z; without a zone it is UTC."),
    parameter("to", _MOMENT, "Only before this time, or until the end of this day."),
    parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}, "How many at the most."),
    parameter("cursor", {"type": "string", "maxLength": 80}, "The `next` of the answer before."),
]


class DeedJSON(Struct, kw_only=True):
    """One deed. `via` says how it is known who it was: open, password, token, proxy, or nothing; `door` by which way it came: dashboard,
    api, schedule, the name of a dialect; `object` is what it was about, such as an id; `outcome` is `done`, or why not; `more` counts those
    like it that were left out before it. `address` is null for those who are no admin."""

    time: Moment
    who: str
    role: str
    via: str
    door: str
    address: str | None
    action: str
    object: str
    outcome: str
    more: int


class ActivityJSON(Struct):
    """A page of deeds, newest first. `next` is the cursor of what is older, null at the end. `searched_to` is the time it has looked back
    to, where it stopped for having looked at many lines of which few match: go on with `next`."""

    items: list[DeedJSON]
    next: str | None
    searched_to: Moment | None


@router.get(
    "/activity",
    operation_id="activity",
    summary="See who did what",
    **described(answers={200: "Activity"}, parameters=_PARAMETERS),
)
async def activity(request: HttpRequest) -> HttpResponse:
    """Deeds, newest first, as far back as they are kept. Everybody sees deeds on tasks; refusals, sign-ins and addresses are for admins."""
    one, _ = query_of(request, one=("who", "what", "door", "from", "to", "limit", "cursor"))
    limit = whole_number(one, "limit", DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    everything = may(request, Action.AUDIT)
    found = past.read(audit, wanted(one, everything=everything).passes, limit, one.get("cursor", ""))
    reached = None if found.reached is None else moment(found.reached)
    return answer(ActivityJSON([_deed(entry, everything=everything) for entry in found.entries], found.next or None, reached))


def _deed(entry: Entry, *, everything: bool) -> DeedJSON:
    return DeedJSON(
        time=moment(entry.at),
        who=entry.who,
        role=entry.role,
        via=entry.via,
        door=entry.door,
        address=entry.address if everything else None,
        action=entry.action,
        object=entry.object,
        outcome=entry.outcome,
        more=entry.more,
    )
