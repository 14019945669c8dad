"""Acting on many tasks at once is a task itself: it can be watched, cancelled, and never holds anything up."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator
from pyroaring import BitMap64

from tasks_app.engine.context import Context
from tasks_app.engine.errors import Conflict, EngineError, NotFound
from tasks_app.engine.grammar import MAX_TEXT
from tasks_app.engine.indexes import slices_of
from tasks_app.engine.query import Query, parse_query
from tasks_app.engine.registry import Params, TaskType, task_type
from tasks_app.engine.sentences import joined, kept, say, say_many
from tasks_app.engine.tally import CHANGED, ELSEWHERE, GONE, IS_ACTION, Tally
from tasks_app.engine.task import ACTIVE, RETRYABLE, STOPPING, WAITING, Status, Task

if TYPE_CHECKING:
    from tasks_app.engine.engine import Engine

NAME, UNDO = "bulk_action", "bulk_undo"
REASON = "A bulk action"
MAX_IDS = 1000
SLICE = 50  # tasks acted on before others get their turn
LOOKED_AT = 500  # the same for those that are only looked at
PAUSE = 0.002  # seconds after each slice: a thread that computes on and on keeps the interpreter from those that answer pages
PATIENCE = 0.25  # seconds between two looks at a journal that is behind
_ID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
COUNTING = kept("{count:,} match so far")
DONE = kept("{done:,} of {matched:,} done")
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Action(StrEnum):
    """What can be done to many tasks at once."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"


# What each can act on; all others are left as they are.
ELIGIBLE: dict[Action, frozenset[Status]] = {
    Action.CANCEL: ACTIVE - STOPPING,
    Action.RETRY: RETRYABLE,
    Action.DELETE: frozenset(Status),
}
OWN = frozenset({NAME, UNDO})  # actions on many tasks: one that was aborted does not go on because many others are retried


def is_for(action: Action, task: Task) -> bool:
    """Whether an action on many tasks does something to this one."""
    return task.status in ELIGIBLE[action] and why_not(action, task) is None


def why_not(action: Action, task: Task) -> str | None:
    """Why an action leaves a task as it is whose status it is for, as `Tally.why` has it: one that another program sees through cannot be
    retried, and where that is no server like this one, it can only be cancelled while it waits."""
    if task.foreign is not None:
        bound = task.status not in WAITING and not task.foreign.ours
        return ELSEWHERE if action is Action.RETRY or (action is Action.CANCEL and bound) else None
    return IS_ACTION if action is Action.RETRY and task.type in OWN else None


_VERBS = {Action.CANCEL: say("cancel"), Action.RETRY: say("retry"), Action.DELETE: say("delete")}


class Filter(Params):
    """Which tasks: values of one kind are alternatives, kinds and words must all hold. Empty: all tasks."""

    status: Annotated[list[str], Field(max_length=9, description="Statuses.")] = []
    type: Annotated[list[Name], Field(max_length=32, description="Task types.")] = []
    tag: Annotated[list[Name], Field(max_length=32, description="Tags.")] = []
    q: Annotated[str, Field(max_length=MAX_TEXT, description="A search box: words and terms of a key and a value.")] = ""

    @model_validator(mode="after")
    def _readable(self) -> Filter:
        try:
            self.query()
        except EngineError as error:
            raise ValueError(joined(": ", (str(error.field), error.sentence))) from None
        return self

    def query(self) -> Query:
        """As the store reads it, the newest task first: what is created meanwhile is not touched."""
        return parse_query(statuses=self.status, types=self.type, tags=self.tag, text=self.q)


class BulkParams(Params):
    """An action, and either ids or a filter."""

    action: Annotated[Action, Field(strict=False, description="What to do.")]
    ids: Annotated[
        list[Annotated[str, Field(pattern=_ID)]] | None, Field(max_length=MAX_IDS, description="The tasks by id; for more, use a filter.")
    ] = None
    filter: Annotated[Filter | None, Field(description="The tasks that match.")] = None

    @model_validator(mode="after")
    def _either(self) -> BulkParams:
        if (self.ids is None) == (self.filter is None):
            raise ValueError(say("either ids or filter must be given, and not both"))
        return self

    def summary(self) -> str:
        """What it does, to how many."""
        which = say("all that match") if self.ids is None else say_many("{count:,} task", "{count:,} tasks", count=len(self.ids))
        return joined(" · ", (_VERBS[self.action], which))


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    done = say("{done:,} of {matched:,} done", done=result["done"], matched=result["matched"])
    return done, say("{skipped:,} skipped · {failed:,} failed", skipped=result["skipped"], failed=result["failed"])


def bulk_type(engine: Engine, going: dict[int, Tally] | None = None) -> TaskType:
    """The task type, acting on this engine. While one works, its tally is in `going` by its number."""
    tallies = {} if going is None else going

    @task_type(NAME, params=BulkParams, title="Bulk action", launchable=False, headline=headline)
    async def bulk_action(params: BulkParams, context: Context) -> dict[str, Any]:
        """Cancels, retries or deletes many tasks: those of given ids, or all that match a filter."""
        work = Work(engine, params, context)
        tallies[context.number] = work.tally
        try:
            await work.all()
        except asyncio.CancelledError:
            if not context.cancelled:
                raise
        finally:  # aborted or not: what is done stays done, and is told exactly
            engine.store.deleted.close(context.task_id)
            del tallies[context.number]
        return work.tally.result()

    return bulk_action


class Work:
    """One bulk action under way, in slices: after each, others have their turn."""

    def __init__(self, engine: Engine, params: BulkParams, context: Context) -> None:
        own = engine.store.by_number(context.number)
        self.tally = Tally()
        self._engine = engine
        self._store = engine.store
        self._action = params.action
        self._ids = None if params.ids is None else list(dict.fromkeys(params.ids))
        self._query = params.filter.query() if params.filter is not None else Query()
        self._context = context
        self._by = own.by if own is not None else ""

    async def all(self) -> None:
        """Find all, then act on each."""
        if self._action is Action.DELETE:
            self._store.deleted.open(self._context.task_id)
        if self._ids is not None:
            self.tally.matched = len(self._ids)
            for start in range(0, len(self._ids), SLICE):
                await self._act([(task_id, self._store.find(task_id)) for task_id in self._ids[start : start + SLICE]])
            return
        numbers = await self._fixed()
        self.tally.matched = len(numbers)
        for part in slices_of(numbers, newest_first=True, cursor=None, size=SLICE):
            tasks = {task.number: task for task in self._store.many(part)}
            await self._act([("", tasks.get(number)) for number in part])

    async def _fixed(self) -> BitMap64:
        """The numbers of all that match now: neither itself nor what comes while it works."""
        found = self._store.numbers_before(self._query, self._context.number)
        if not self._query.searches:
            return found
        matched, looked_at = BitMap64(), 0
        for part in slices_of(found, newest_first=True, cursor=None, size=LOOKED_AT):
            matched.update(task.number for task in self._store.many(part) if self._query.matches(task))
            looked_at += len(part)
            self._context.progress(looked_at, len(found), COUNTING(count=len(matched)))
            await self._context.sleep(PAUSE)
        return matched

    async def _act(self, part: list[tuple[str, Task | None]]) -> None:
        tally = self.tally
        for task_id, task in part:
            if task is None:
                tally.skip(task_id, 0, GONE)
            else:
                self._act_on(task)
        self._context.progress(tally.matched - tally.to_go, tally.matched, DONE(done=tally.done, matched=tally.matched))
        await self._context.sleep(PAUSE if tally.to_go else 0)
        while self._engine.journal.behind:  # the disk has to keep up, so that others may launch
            await self._context.sleep(PATIENCE)

    def _act_on(self, task: Task) -> None:
        if self._ids is None and not self._query.matches(task):
            return self.tally.skip(task.id, task.number, CHANGED)
        if not is_for(self._action, task):
            why = why_not(self._action, task) if task.status in ELIGIBLE[self._action] else None
            return self.tally.skip(task.id, task.number, why or task.status.value)
        try:
            self._do(task.id)
        except NotFound:
            self.tally.skip(task.id, task.number, GONE)
        except Conflict:
            self.tally.skip(task.id, task.number, CHANGED)
        except EngineError as error:
            self.tally.fail(task.id, task.number, error.code)
        else:
            self.tally.done += 1

    def _do(self, task_id: str) -> Task:
        if self._action is Action.CANCEL:
            return self._engine.cancel(task_id, by=self._by, reason=REASON)
        if self._action is Action.RETRY:
            return self._engine.retry(task_id)
        return self._engine.delete(task_id, by=self._by, batch=self._context.task_id)
