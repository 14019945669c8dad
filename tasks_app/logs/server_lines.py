"""What a server says of itself: that it is ready, that it stops, and what is wrong with it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tasks_app.engine.recovery import Restart
from tasks_app.engine.watchdog import Block, Stall
from tasks_app.logs.lines import about, moment

logger = logging.getLogger("iotask.server")
api_logger = logging.getLogger("iotask.api")


def ready(url: str) -> None:
    """It answers, at this address."""
    logger.info("IoTask is ready", extra=about("server_ready", url=url, pid=os.getpid()))


def targets(words: str) -> None:
    """What tasks may dial."""
    logger.info("Tasks may dial %s", words, extra=about("targets", targets=words))


def went_on(found: Restart) -> None:
    """What the process before had left, and what became of it; its running tasks stand for a server that did not stop in order."""
    crashed = bool(found.interrupted or found.again)
    left = {"waiting": found.waiting or None, "retrying": found.retrying or None, "scheduled": found.scheduled or None}
    fields = about("tasks_kept", interrupted=found.interrupted or None, again=found.again or None, **left, alive_at=moment(found.alive_at))
    words = "The server before this one did not stop in order: what it ran was interrupted" if crashed else "What waited waits on"
    logger.log(logging.WARNING if crashed else logging.INFO, words, extra=fields)


def open_to_all() -> None:
    """Other machines reach it, and nobody has to log in."""
    logger.warning("Whoever reaches this server may do everything: nobody has to log in", extra=about("server_open"))


def stopping(running: int, waiting: int) -> None:
    """It takes no new work; so many tasks run and wait."""
    logger.info("Running tasks may end within their grace", extra=about("server_stopping", running=running, waiting=waiting))


class Ending(NamedTuple):
    """What became of the tasks of a server that stopped: how many were settled since it began to, by the status they ended in, how many
    still run, how many wait for the next start, and how many seconds it took."""

    settled: Mapping[str, int]
    running: int
    waiting: int
    seconds: float


def stopped(ending: Ending | None) -> None:
    """It has stopped; without an ending there never was a task."""
    settled, running, waiting, seconds = ending or Ending({}, 0, 0, 0.0)
    counts = {**settled, "running": running or None, "waiting": waiting or None}
    fields = about("server_stopped", settled=sum(settled.values()), **counts, duration=seconds)
    logger.log(logging.ERROR if running else logging.INFO, "Some tasks could not be stopped" if running else "", extra=fields)


def broker(trouble: str) -> None:
    """Celery's broker is away, with the reason, or back."""
    if trouble:
        logger.warning("Celery's broker cannot be reached: %s", trouble, extra=about("broker_lost"))
    else:
        logger.info("Celery's broker can be reached", extra=about("broker_found"))


def not_taken(call: str, error: BaseException) -> None:
    """Celery's broker takes what others send, and not what is to be said on this attempt."""
    fields = about("broker_refused", call=call)
    logger.error("Celery's broker refuses a message that others wait behind: %s: %s", type(error).__name__, error, extra=fields)


def request_failed(method: str, path: str, error: Exception) -> None:
    """A view raised what nobody foresaw."""
    fields = about("request_failed", method=method, path=path)
    api_logger.error("%s %s: %s", method, path, type(error).__name__, exc_info=error, extra=fields)


def held_up(found: Block | Stall) -> None:
    """A handler, or something else, kept others from running."""
    if isinstance(found, Stall):
        stalled(found)
    else:
        blocked(found)


def stalled(stall: Stall) -> None:
    """Nothing at all ran for a while."""
    why = "C code held the interpreter's lock" if stall.busy > stall.seconds / 4 else "the process was stopped, or got no processor"
    fields = about(
        "process_stalled", number=stall.number, type=stall.type or None, place=stall.place, duration=stall.seconds, busy=stall.busy
    )
    logger.error("Nothing ran for %.1f s: %s", stall.seconds, why, extra=fields)


def blocked(block: Block) -> None:
    """The engine's loop is blocked."""
    who = f"task {block.number} ({block.type})" if block.number else "code outside a handler"
    fields = about("loop_blocked", number=block.number, type=block.type or None, place=block.place)
    logger.error("The engine's loop is blocked by %s at %s", who, block.place, extra=fields)


def left_behind(block: Block | None) -> None:
    """The engine did not end in time."""
    fields = about("engine_left_behind", place=block.place if block else None)
    logger.error("The engine did not stop in time", extra=fields)


def stuck_too_many() -> None:
    """Too many handlers do not stop, and it was set to leave then."""
    logger.error("Too many handlers do not stop: leaving, to be started again", extra=about("server_stuck"))


def memory_full(sentence: str) -> None:
    """The process holds more memory than it may."""
    logger.error(sentence, extra=about("memory_full"))


def programs_killed(count: int) -> None:
    """Programs that handlers had started and left were killed."""
    logger.warning("Programs that handlers had left were killed", extra=about("programs_killed", programs=count))


def copied(to: Path | None, problem: str) -> None:
    """The journal was copied, or why not."""
    if problem:
        logger.error(problem, extra=about("journal_not_copied"))
    else:
        logger.info("The journal was copied", extra=about("journal_copied", path=str(to)))


def broken(module: str, error: str) -> None:
    """A module with task types could not be imported."""
    logger.error("Task types in %s are disabled: %s", module, error, extra=about("types_disabled", module=module))


def journal(sentence: str) -> None:
    """The journal cannot be written, or can be again."""
    logger.error(sentence, extra=about("journal_state"))
