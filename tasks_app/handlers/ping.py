"""Task type `ping`: TCP connect probes on a fixed schedule."""

from __future__ import annotations

import asyncio
import os
from array import array
from collections.abc import Sequence
from contextvars import copy_context
from itertools import pairwise
from math import inf, isnan, nan
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from tasks_app.engine.context import Context
from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.sentences import Draft, joined, kept, say, say_many
from tasks_app.handlers._alarms import Alarm, alarms
from tasks_app.handlers._dials import TooManyDials
from tasks_app.handlers._egress import Blocked
from tasks_app.handlers._hosts import Host, out_of_sockets, with_port
from tasks_app.handlers._probes import Probe, Target
from tasks_app.handlers._schedule import few_under_way, timetable
from tasks_app.handlers._words import BECAUSE, NO_ANSWER, NOT_REACHABLE, STARTING, milliseconds, seconds

_PROBE = kept("Probe {number:,} of {all:,}: {said}")
_UNANSWERED = kept("{where} answered none of {count:,} probe", "{where} answered none of {count:,} probes")
_LOST, _HELD_BACK = nan, inf  # in place of a time: no answer, and not sent


class PingParams(Params):
    """What to dial, how often, and how long to wait for it."""

    address: Host = Field(description="Host name or IP address, without scheme or port")
    port: int = Field(80, ge=1, le=65_535, description="TCP port that is dialled")
    count: int = Field(200, ge=1, le=100_000, description="Number of probes")
    interval: float = Field(1.0, ge=0.01, le=3600, description="Seconds from the start of one probe to the start of the next")
    timeout: Annotated[float, AfterValidator(few_under_way)] = Field(
        2.0, ge=0.1, le=60, description="Seconds after which a probe without an answer is lost"
    )
    fail_if_unreachable: bool = Field(True, description="Whether the task fails when not one probe is answered")

    def summary(self) -> str:
        """Where to, how many, how far apart."""
        probes = say_many("{count:,} probe", "{count:,} probes", count=self.count)
        if self.count > 1:
            probes = say("{probes}, {time} apart", probes=probes, time=seconds(self.interval))
        return joined(" · ", (with_port(self.address, self.port), probes))


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    sent, received, held_back = result["sent"], result["received"], result.get("not_sent", 0)
    if not received:
        return say("{sent:,} sent, none answered", sent=sent), say("Unreachable")
    lost = say("{lost:,} lost", lost=sent - received) if sent > received else say("none lost")
    average, jitter, slowest = (milliseconds(result[key]) for key in ("avg_ms", "jitter_ms", "max_ms"))
    spread = say("Jitter {jitter}, slowest {slowest}", jitter=jitter, slowest=slowest)
    more = joined(" · ", (spread, say("{held_back:,} not sent", held_back=held_back))) if held_back else spread
    return say("{sent:,} sent, {lost}, {average} on average", sent=sent, lost=lost, average=average), more


@task_type("ping", params=PingParams, title="Ping", idempotent=True, headline=headline)
async def ping(params: PingParams, context: Context) -> dict[str, Any]:
    """Opens a TCP connection again and again and measures how long each takes. A slow probe never delays the next one."""
    target = Target(params.address, params.port, context.by)
    context.progress(0, params.count, STARTING)
    if params.fail_if_unreachable:
        await target.addresses()  # a name that does not exist is said at once, not after the last probe
    probes = Probes(params, context, target)
    try:
        probes.begin()
        await probes.done
    finally:
        probes.close()
    result = probes.result()
    if params.fail_if_unreachable and not result["received"]:
        raise TaskFailure(probes.unreachable(), kind="Unreachable", result=result)
    return result


class Answered(Draft, frozen=True):
    """What is said of a probe that was answered, in so many milliseconds."""

    number: int
    count: int
    took: float

    def __str__(self) -> str:
        return str(_PROBE(number=self.number, all=self.count, said=milliseconds(self.took)))


class Probes:
    """The probes of one task: begun one after the other, and what each brought. `done` is when all have ended, or what ends them all."""

    __slots__ = (
        "_alarm",
        "_alarms",
        "_as",
        "_began",
        "_context",
        "_ended",
        "_params",
        "_place",
        "_reasons",
        "_table",
        "_target",
        "_times",
        "_under_way",
        "done",
    )

    def __init__(self, params: PingParams, context: Context, target: Target) -> None:
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = loop.create_future()
        self._params = params
        self._context = context
        self._target = target
        self._times = array("d")  # milliseconds, in the order of the probes
        self._ended = 0
        self._reasons: frozenset[str] = frozenset()
        self._under_way: set[Probe] = set()
        self._alarms = alarms()
        self._alarm: Alarm | None = None
        self._as = copy_context()  # in which probes begin: as part of this attempt
        self._began = 0.0
        self._table = timetable()
        self._place: int | None = None  # in it

    def begin(self) -> None:
        """Begin with the first probe: now, or a little later where so many others fall due that they would be in each other's way."""
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        if self._params.count > 1:
            self._place, wait = self._table.enter(self._began, self._params.interval)
            if wait:
                self._began += wait
                self._alarm = self._alarms.at(self._began, self.begin_next, self._as)
                return
        self.begin_next()

    def begin_next(self) -> None:
        """Begin a probe now, and each further one at its time, whatever became of those before. None once all is over."""
        if self.done.done():
            return
        try:
            self._begin_next()
        except Exception as error:  # no memory, say: without a next one it would never end
            if not self.done.done():
                self.done.set_exception(error)

    def _begin_next(self) -> None:
        self._times.append(_LOST)
        number = len(self._times)
        if number < self._params.count:
            due = self._began + number * self._params.interval
            self._alarm = self._alarms.at(due, self.begin_next, self._as)
        probe = Probe(number, self._target, self._params.timeout, self._heard)
        self._under_way.add(probe)
        if self._target.known:
            probe.begin()
        else:
            self._context.start(probe.begin_once_known())

    def close(self) -> None:
        """Begin no more, and give up those under way."""
        if self._place is not None:
            self._table.leave(self._place, self._params.interval)
            self._place = None
        if self._alarm is not None:
            self._alarm.cancel()
        for probe in self._under_way:
            probe.close()

    def result(self) -> dict[str, Any]:
        """What they say in all, without those that were held back here. Raises TooManyDials where not one was sent."""
        sent = [None if isnan(time) else time for time in self._times if time != _HELD_BACK]
        if not sent:
            raise TooManyDials
        held_back = len(self._times) - len(sent)
        return statistics(sent) | ({"not_sent": held_back} if held_back else {})

    def unreachable(self) -> str:
        """Why the task fails; with the reason where all probes were lost for the same one."""
        where = with_port(self._params.address, self._params.port)
        said = _UNANSWERED(where=where, count=len(self._times))
        return BECAUSE(said=said, why=next(iter(self._reasons))) if len(self._reasons) == 1 else said

    def _heard(self, probe: Probe, said: float | Exception) -> None:
        self._under_way.discard(probe)
        if self.done.done():
            return
        try:
            self._take(probe.number, said)
        except Exception as error:  # it ends them all
            self.done.set_exception(error)
        else:
            if self._ended == self._params.count:
                self.done.set_result(None)

    def _take(self, number: int, said: float | Exception) -> None:
        self._ended += 1
        if isinstance(said, float):
            self._times[number - 1] = said
            self._tell(said, Answered(number, self._params.count, said), "info")
            return
        if isinstance(said, TooManyDials):
            self._times[number - 1] = _HELD_BACK  # nothing was learnt of the host: that is no loss
        reason = self._reason(said)
        self._reasons |= {reason}
        self._tell(None, str(_PROBE(number=number, all=self._params.count, said=reason)), "warning")

    def _tell(self, took: float | None, words: str | Draft, level: str) -> None:
        self._context.progress(self._ended, message=words)
        self._context.measure("Round-trip", took, "ms")
        self._context.log(words, level)

    def _reason(self, error: Exception) -> str:
        """Why a probe is lost. Raises what is no matter of the host's: the task ends."""
        if isinstance(error, TaskFailure) and not isinstance(error, Blocked):
            return error.message
        if not isinstance(error, OSError):
            raise error
        if ours := out_of_sockets(error):
            raise ours from None
        if isinstance(error, TimeoutError):
            return NO_ANSWER(time=seconds(self._params.timeout))
        return os.strerror(error.errno).lower() if error.errno else NOT_REACHABLE()


def statistics(times: Sequence[float | None]) -> dict[str, Any]:
    """What the probes say in all: times are milliseconds in the order of the probes, None for a lost one.

    `loss` is a share from 0 to 1. `jitter_ms` is the plain mean of the absolute differences between neighbouring
    answered probes: RFC 3550's differences without its running average, so that the last probes weigh no more than the first.
    """
    known = [time for time in times if time is not None]
    steps = [abs(after - before) for before, after in pairwise(known)]
    return {
        "sent": len(times),
        "received": len(known),
        "loss": round(1 - len(known) / len(times), 6),
        "min_ms": _rounded(min(known, default=None)),
        "avg_ms": _rounded(sum(known) / len(known) if known else None),
        "max_ms": _rounded(max(known, default=None)),
        "jitter_ms": _rounded(sum(steps) / len(steps) if steps else 0.0 if known else None),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
