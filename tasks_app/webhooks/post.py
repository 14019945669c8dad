"""One request to a receiver: through the door that every task dials through, no redirect followed, nothing of the answer read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from aiohttp import ClientResponse, ClientTimeout

from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.sentences import kept
from tasks_app.handlers._egress import Blocked
from tasks_app.handlers._http import failure, session
from tasks_app.handlers._words import seconds as in_seconds
from tasks_app.webhooks.delivery import Delivery, Reply, Try, body_of
from tasks_app.webhooks.signing import headers

TIMEOUT = 15.0  # seconds for the whole of a request, as the specification wants it
_REFUSED = kept("It answered {status:d}")
_REDIRECTED = kept("It answered {status:d}: redirects are not followed")
_UNSIGNED = kept("There is no secret to sign it with")


async def post(delivery: Delivery, secret: str, *, patience: float = TIMEOUT, clock: Callable[[], float] = time.time) -> Reply:
    """Post it once. Never raises but CancelledError: what goes wrong is in the reply."""
    at, began = clock(), time.monotonic()
    answer = Reply(Try(at, 0.0, error=str(_UNSIGNED())), again=False)
    if secret:
        answer = await _posted(delivery, headers(delivery.id, at, body_of(delivery), secret), patience, clock)
    tried = Try(at, time.monotonic() - began, answer.tried.status, answer.tried.error)
    return Reply(tried, answer.gone, answer.again, answer.wait)


async def _posted(delivery: Delivery, signed: dict[str, str], patience: float, clock: Callable[[], float]) -> Reply:
    given = {"Content-Type": "application/json", **signed}
    try:
        async with (
            asyncio.timeout(patience),
            session(ClientTimeout(total=patience), by=delivery.task.by) as asking,
            asking.post(delivery.hook.url, data=body_of(delivery), headers=given, allow_redirects=False) as response,
        ):
            found = _read(response, clock())
            response.close()  # whatever else it says: nobody waits for it
            return found
    except TaskFailure as problem:
        return _unheard(problem)
    except Exception as error:
        return _unheard(failure(error, in_seconds(patience)))


def _unheard(problem: TaskFailure) -> Reply:
    return Reply(Try(0.0, 0.0, error=str(problem.message)), again=not isinstance(problem, Blocked))


def _read(response: ClientResponse, now: float) -> Reply:
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Reply(Try(0.0, 0.0, status))
    redirected = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    said = (_REDIRECTED if redirected else _REFUSED)(status=status)
    return Reply(
        Try(0.0, 0.0, status, str(said)),
        gone=status == HTTPStatus.GONE,
        wait=wanted_wait(response.headers.get("Retry-After", ""), now),
    )


def wanted_wait(text: str, now: float) -> float:
    """Seconds that a Retry-After asks for, given as seconds or as a date; 0 where it is neither."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return 0.0
