"""What several operations share: finding a task, and the parameters that filter a list."""

from __future__ import annotations

from collections.abc import Mapping

from ninja import Router

from tasks_app import runtime
from tasks_app.api.problems import Problem
from tasks_app.api.v2.describe import parameter
from tasks_app.api.v2.wire import is_id
from tasks_app.engine.errors import InvalidValue, NotFound, UnknownType
from tasks_app.engine.grammar import MAX_TEXT
from tasks_app.engine.query import NEWEST, SORTS, Query, parse_query
from tasks_app.engine.registry import TaskType
from tasks_app.engine.task import Status, Task
from tasks_app.runtime import Runtime

VIA = "api"
router = Router(tags=["Tasks"])  # one for all task paths: a path belongs to one router
FILTERS = ("status", "type", "tag")
TASK_ID = parameter("task_id", {"type": "string", "format": "uuid"}, "The id of a task.", where="path")
STATUS = parameter("status", {"type": "array", "items": {"enum": list(Status)}}, "Only these statuses; repeat it for several.")
TYPE = parameter(
    "type", {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 200}}, "Only these types; repeat it for several."
)
TAG = parameter(
    "tag", {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 200}}, "Only tasks with one of these tags; repeat it."
)
FILTER = [
    STATUS,
    TYPE,
    TAG,
    parameter(
        "q",
        {"type": "string", "maxLength": MAX_TEXT},
        'A search box: words, and terms such as `status:failed`, `-tag:test`, `error:"refused"`, `address:10.`, `created:>2h`.',
    ),
    parameter("sort", {"enum": list(SORTS), "default": NEWEST}, "Newest or oldest first."),
]


def filter_of(one: Mapping[str, str], many: Mapping[str, list[str]]) -> Query:
    """The filter, order and cursor of a query string. Raises Problem, InvalidValue."""
    if one.get("cursor") == "":
        raise Problem(400, "invalid_cursor", "The cursor is empty; begin without one.", field="cursor")
    try:
        return parse_query(
            statuses=many["status"],
            types=many["type"],
            tags=many["tag"],
            text=one.get("q", ""),
            sort=one.get("sort", NEWEST),
            cursor=one.get("cursor", ""),
            fields=runtime.get().registry.fields,
        )
    except InvalidValue as error:
        if error.field == "cursor":
            raise Problem(400, "invalid_cursor", error.message, field="cursor") from None
        raise


def checked_id(task_id: str) -> str:
    """The same id, if it could be one. Raises NotFound: what is no id is looked up nowhere."""
    if not is_id(task_id):
        raise NotFound
    return task_id


def found(now: Runtime, task_id: str) -> Task:
    """The task of an id in a path. Raises NotFound."""
    return now.store.get(checked_id(task_id))


def type_of(now: Runtime, name: str) -> TaskType:
    """The task type named in a path. Raises Problem."""
    try:
        return now.registry.get(name)
    except UnknownType as error:
        raise Problem(404, "not_found", error.message) from None


def known_types(now: Runtime) -> str:
    """The types that may be launched, for a message."""
    return ", ".join(kind.name for kind in now.registry if kind.launchable)
