"""Undoing a bulk delete: what it deleted comes back, as a task of its own that others have their turn beside."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from tasks_app.engine import bulk
from tasks_app.engine.bulk import Action, BulkParams
from tasks_app.engine.context import Context
from tasks_app.engine.deleted import SECONDS
from tasks_app.engine.errors import Conflict, EngineError, NotFound
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.registry import Params, TaskType, task_type
from tasks_app.engine.sentences import kept, say
from tasks_app.engine.tally import GONE, Tally
from tasks_app.engine.task import ACTIVE, Task

if TYPE_CHECKING:
    from tasks_app.engine.engine import Engine

NAME = bulk.UNDO
BACK = "back"  # beside those of a tally: it is here already
SOON = 0.02  # seconds between two looks at a delete that is being aborted
UNDONE = kept("It was undone")
DONE = kept("{done:,} of {matched:,} are back")


class UndoParams(Params):
    """Which bulk delete is undone."""

    of: Annotated[str, Field(description="The bulk delete by its id.")]

    def summary(self) -> str:
        """In a row."""
        return str(self.of)


def undo(engine: Engine, bulk_id: str, *, by: str = "", via: str = "") -> Task:
    """Bring back what a bulk delete has deleted, aborting it if it goes on; the task that does it. Raises NotFound when it is no bulk
    delete, Conflict when it is too late or being undone, Draining."""
    found = engine.store.find(bulk_id)
    deleted = engine.store.deleted
    if found is None or found.type != bulk.NAME or BulkParams.model_validate_json(found.params).action is not Action.DELETE:
        raise NotFound(say("There is no bulk delete with this id."))
    if found.status in ACTIVE:
        with contextlib.suppress(Conflict):  # it has ended this moment
            engine.cancel(bulk_id, by=by, reason=str(UNDONE()))
    elif not deleted.can_return(bulk_id):
        raise Conflict(say("It is too late to undo this: that can be done for {seconds:g} seconds after its end.", seconds=SECONDS))
    elif not deleted.hold(bulk_id):
        raise Conflict(say("This is being undone already."))
    try:
        return engine.submit_own(LaunchRequest(type=NAME, params={"of": bulk_id}, priority=100), by=by, via=via)
    except EngineError:
        deleted.close(bulk_id)
        raise


def undo_type(engine: Engine, going: dict[int, Tally] | None = None) -> TaskType:
    """The task type, acting on this engine. While one works, its tally is in `going` by its number."""
    tallies = {} if going is None else going

    @task_type(NAME, params=UndoParams, title="Undo of a bulk delete", launchable=False, headline=bulk.headline)
    async def bulk_undo(params: UndoParams, context: Context) -> dict[str, Any]:
        """Brings back what a bulk delete has deleted. What waited needs a place in the line again."""
        tally = tallies[context.number] = Tally()
        deleted = engine.store.deleted
        try:
            while (delete := engine.store.find(params.of)) is not None and delete.status in ACTIVE:
                await context.sleep(SOON)
            deleted.hold(params.of)
            await _bring_back(engine, params.of, context, tally)
        except asyncio.CancelledError:
            if not context.cancelled:
                raise
        finally:
            deleted.close(params.of)
            del tallies[context.number]
        return tally.result()

    return bulk_undo


async def _bring_back(engine: Engine, name: str, context: Context, tally: Tally) -> None:
    numbers = engine.store.deleted.numbers_of(name)[::-1]  # what was deleted first comes back last: among those that ended, in their order
    tally.matched = len(numbers)
    for start in range(0, len(numbers), bulk.SLICE):
        for number in numbers[start : start + bulk.SLICE]:
            _restore(engine, number, tally)
        context.progress(tally.matched - tally.to_go, tally.matched, DONE(done=tally.done, matched=tally.matched))
        await context.sleep(bulk.PAUSE if tally.to_go else 0)


def _restore(engine: Engine, number: int, tally: Tally) -> None:
    left = engine.store.deleted.by_number(number)
    if left is None:
        return tally.skip("", number, GONE)
    try:
        engine.restore(left.task.id)
    except NotFound:
        tally.skip(left.task.id, number, GONE)
    except Conflict:
        tally.skip(left.task.id, number, BACK)
    except EngineError as error:
        tally.fail(left.task.id, number, error.code)
    else:
        tally.done += 1
