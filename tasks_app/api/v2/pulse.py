"""The pulse as JSON: the same slots that the dashboard draws."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from msgspec import Struct
from ninja import Router

from tasks_app import runtime
from tasks_app.api.http import answer, one_of, query_of
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.shapes import Count
from tasks_app.api.v2.wire import Moment, moment
from tasks_app.engine.pulse import ENDS, Slot, Span
from tasks_app.engine.task import Status

router = Router(tags=["Server"])
SPANS = ("hour", "day")
_SPAN = parameter(
    "span",
    {"type": "string", "enum": list(SPANS), "default": SPANS[0]},
    "The last hour in slots of a minute, or the last day in slots of a quarter of an hour.",
)


class TypeCountsJSON(Struct):
    """Of one type in one slot: tasks that were accepted, attempts that began, tasks that ended by status."""

    accepted: Count
    started: Count
    ended: dict[Status, Count]


class PulseSlotJSON(Struct):
    """One slot, from `start` up to but without `end`. `ended` is by status over all types; `p50_seconds` and `p95_seconds` are of the
    `completed` runs, null without any; the most tasks that waited at once, slots that were in use, and seconds that the engine's loop was
    late are null where nobody looked."""

    start: Moment
    end: Moment
    accepted: Count
    started: Count
    ended: dict[Status, Count]
    p50_seconds: float | None
    p95_seconds: float | None
    most_waiting: Count | None
    most_running: Count | None
    worst_loop_delay_seconds: float | None
    by_type: dict[str, TypeCountsJSON]


class PulseJSON(Struct):
    """Slots of `slot_seconds`, the oldest first; the last one is still open. Before `since` this server did not run: what is counted of
    that time is what kept tasks tell, if `told`; otherwise nothing is known of it."""

    span: str
    slot_seconds: Count
    since: Moment
    told: bool
    slots: list[PulseSlotJSON]


@router.get(
    "/pulse",
    operation_id="pulse",
    summary="Get what happened over the last hour or day",
    **described(answers={200: "Pulse"}, parameters=(_SPAN,)),
)
async def pulse(request: HttpRequest) -> HttpResponse:
    """What was accepted, began and ended slot by slot, how long it took, how much waited, how the engine was."""
    one, _ = query_of(request, one=("span",))
    name = one_of(one, "span", SPANS[0], SPANS)
    kept = runtime.get().pulse
    return answer(pulse_json(name, kept.last_hour() if name == "hour" else kept.last_day()))


def pulse_json(name: str, span: Span) -> PulseJSON:
    """A span as it is sent."""
    slots = [_slot(slot, span.seconds) for slot in span.slots]
    return PulseJSON(span=name, slot_seconds=span.seconds, since=moment(span.since), told=span.told, slots=slots)


def _slot(slot: Slot, seconds: int) -> PulseSlotJSON:
    return PulseSlotJSON(
        start=moment(slot.at),
        end=moment(slot.at + seconds),
        accepted=slot.accepted,
        started=slot.started,
        ended={status: slot.ended(status) for status in ENDS},
        p50_seconds=_rounded(slot.durations.quantile(0.5)),
        p95_seconds=_rounded(slot.durations.quantile(0.95)),
        most_waiting=slot.waiting,
        most_running=slot.running,
        worst_loop_delay_seconds=_rounded(slot.delay),
        by_type={name: _of_type(counts) for name, counts in sorted(slot.counts.items())},
    )


def _of_type(counts: list[int]) -> TypeCountsJSON:
    accepted, started, *ended = counts
    return TypeCountsJSON(accepted, started, dict(zip(ENDS, ended, strict=True)))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
