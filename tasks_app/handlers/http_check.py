"""Task type `http_check`: asks a URL, once or repeatedly, and compares the status of the answer."""

from __future__ import annotations

from collections import Counter
from statistics import median
from time import perf_counter
from types import SimpleNamespace
from typing import Annotated, Any

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TraceConfig
from msgspec import Struct
from pydantic import AfterValidator, Field

from tasks_app.engine.context import Context
from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.sentences import joined, kept, say, say_many
from tasks_app.handlers._dials import TooManyDials
from tasks_app.handlers._hosts import Url, bare
from tasks_app.handlers._http import MAX_REDIRECTS, failure, session
from tasks_app.handlers._schedule import few_under_way, on_schedule
from tasks_app.handlers._words import BECAUSE, STARTING, milliseconds, seconds

MAX_BODY = 65_536
_NOT_ASKED = kept("not asked")
_ANSWER = kept("{status:d} in {time}")
_CHECK = kept("Check {number:,} of {all:,}: {said}")
_FAILED = kept("{failed:,} of {all:,} checks failed; check {number:,}: {why}")
_OTHER = kept("answered {status:d}, not {expected:d}")


class HttpCheckParams(Params):
    """What to ask for, what to expect, how often."""

    url: Url = Field(title="URL", description="Address that is asked with GET, beginning with http:// or https://")
    expected_status: int = Field(200, ge=100, le=599, description="Status that a good answer has")
    count: int = Field(1, ge=1, le=100_000, description="Number of checks")
    interval: float = Field(1.0, ge=0.1, le=3600, description="Seconds from the start of one check to the start of the next")
    timeout: Annotated[float, AfterValidator(few_under_way)] = Field(
        10.0, ge=0.1, le=60, description="Seconds within which the whole answer must be there"
    )
    follow_redirects: bool = Field(False, description="Whether redirects are followed, 3 at most")

    def summary(self) -> str:
        """Where, what is expected, how often."""
        repeats = (say_many("{count:,} repeat", "{count:,} repeats", count=self.count),) if self.count > 1 else ()
        return joined(" · ", (bare(self.url), say("expects {status}", status=self.expected_status), *repeats))


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    if result["checks"] == 1 and result["ok"]:
        first = milliseconds(result["timings"]["first_byte_ms"])
        took = milliseconds(result["max_ms"])
        return say("Answered {status} in {time}", status=result["expected_status"], time=took), say("First byte after {time}", time=first)
    answered = say("{part:,} of {whole:,} answered {status}", part=result["ok"], whole=result["checks"], status=result["expected_status"])
    if not result["statuses"]:
        return answered, say("No answer")
    half, slowest = milliseconds(result["p50_ms"]), milliseconds(result["max_ms"])
    return answered, say("Half within {half}, slowest {slowest}", half=half, slowest=slowest)


@task_type("http_check", params=HttpCheckParams, title="HTTP check", concurrency=100, idempotent=True, headline=headline)
async def http_check(params: HttpCheckParams, context: Context) -> dict[str, Any]:
    """Asks a URL and compares the status of the answer. Fails when any check does. At most 64 KiB of an answer are read."""
    context.progress(0, params.count, STARTING)
    async with session(
        ClientTimeout(total=params.timeout), by=context.by, trace_configs=[_tracing()], read_bufsize=MAX_BODY // 2
    ) as asking:
        checks = Checks(params, context, asking)
        await on_schedule(params.count, params.interval, checks.check)
    result = summed_up(checks.answers, params.expected_status)
    if failed := checks.failure():
        raise TaskFailure(failed.message, kind=failed.kind, result=result)
    return result


class Timings(Struct):
    """Milliseconds of one request, as far as it came. `connect` includes TLS; `first_byte` and `total` count from the start."""

    dns_ms: float | None = None
    connect_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None
    mark: float = 0.0


class Answer(Struct, frozen=True):
    """What one check brought: a status or none, and what is wrong with it, if anything."""

    status: int | None
    problem: TaskFailure | None
    timings: Timings


class Checks:
    """The checks of one task."""

    def __init__(self, params: HttpCheckParams, context: Context, asking: ClientSession) -> None:
        unanswered = Answer(None, TaskFailure(_NOT_ASKED()), Timings())
        self.answers = [unanswered] * params.count
        self._params = params
        self._context = context
        self._session = asking
        self._ended = 0

    async def check(self, number: int) -> None:
        """Make one check and tell of it."""
        answer = await self._asked()
        self.answers[number - 1] = answer
        self._ended += 1
        took = answer.timings.total_ms
        words = answer.problem.message if answer.problem else _ANSWER(status=answer.status, time=milliseconds(took or 0.0))
        line = _CHECK(number=number, all=self._params.count, said=words)
        self._context.progress(self._ended, message=line)
        self._context.measure("Response time", took, "ms")
        self._context.log(line, "warning" if answer.problem else "info")

    def failure(self) -> TaskFailure | None:
        """Why the task fails: the first check that did; None when all were good."""
        failed = [(number, answer.problem) for number, answer in enumerate(self.answers, 1) if answer.problem]
        if not failed:
            return None
        number, problem = failed[0]
        why = problem.message
        if len(self.answers) > 1:
            why = _FAILED(failed=len(failed), all=len(self.answers), number=number, why=why)
        return TaskFailure(BECAUSE(said=bare(self._params.url), why=why), kind=problem.kind)

    async def _asked(self) -> Answer:
        timings, began = Timings(), perf_counter()
        get = self._session.get(
            self._params.url,
            allow_redirects=self._params.follow_redirects,
            max_redirects=MAX_REDIRECTS + 1,  # aiohttp counts the request that is refused
            trace_request_ctx=timings,
        )
        try:
            async with get as response:
                timings.first_byte_ms = _since(began)
                await _read(response)
                timings.total_ms = _since(began)
        except TooManyDials as problem:
            return Answer(None, problem, timings)
        except (ClientError, OSError) as error:
            return Answer(None, failure(error, seconds(self._params.timeout)), timings)
        return Answer(response.status, self._unexpected(response.status), timings)

    def _unexpected(self, status: int) -> TaskFailure | None:
        expected = self._params.expected_status
        return None if status == expected else TaskFailure(_OTHER(status=status, expected=expected), kind="UnexpectedStatus")


def summed_up(answers: list[Answer], expected: int) -> dict[str, Any]:
    """The result: counts by status and by kind of failure; medians in milliseconds over the checks that were answered."""
    answered = [answer.timings for answer in answers if answer.status is not None]
    totals = _known(answered, "total_ms")
    return {
        "checks": len(answers),
        "ok": sum(answer.problem is None for answer in answers),
        "expected_status": expected,
        "statuses": _counted(str(answer.status) for answer in answers if answer.status is not None),
        "failures": _counted(answer.problem.kind for answer in answers if answer.problem),
        "p50_ms": _median(totals),
        "max_ms": max(totals, default=None),
        "timings": {name: _median(_known(answered, name)) for name in ("dns_ms", "connect_ms", "first_byte_ms", "total_ms")},
    }


async def _read(response: ClientResponse) -> None:
    left = MAX_BODY
    while left > 0 and (chunk := await response.content.read(left)):
        left -= len(chunk)
    response.close()  # what is left of the body is not waited for


def _tracing() -> TraceConfig:
    async def marked(_: ClientSession, trace: SimpleNamespace, __: Any) -> None:
        trace.trace_request_ctx.mark = perf_counter()

    async def resolved(_: ClientSession, trace: SimpleNamespace, __: Any) -> None:
        trace.trace_request_ctx.dns_ms = _since(trace.trace_request_ctx.mark)
        trace.trace_request_ctx.mark = perf_counter()

    async def connected(_: ClientSession, trace: SimpleNamespace, __: Any) -> None:
        trace.trace_request_ctx.connect_ms = _since(trace.trace_request_ctx.mark)

    tracing = TraceConfig()
    tracing.on_connection_create_start.append(marked)
    tracing.on_dns_resolvehost_start.append(marked)
    tracing.on_dns_resolvehost_end.append(resolved)
    tracing.on_connection_create_end.append(connected)
    return tracing


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 3)


def _known(timings: list[Timings], name: str) -> list[float]:
    return [value for one in timings if (value := getattr(one, name)) is not None]


def _median(values: list[float]) -> float | None:
    return round(median(values), 3) if values else None


def _counted(words: Any) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))
