"""What can be run: task types, their params, and the registry that knows them all by name."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import lru_cache
from types import ModuleType
from typing import Any

from msgspec import Struct
from pydantic import BaseModel, SecretStr, ValidationError

from tasks_app.engine.errors import DuplicateType, InvalidParams, NotLaunchable, SetupError, UnknownType
from tasks_app.engine.params import NO_PARAMS, read
from tasks_app.engine.params import Params as Params  # offered beside the types
from tasks_app.engine.problems import problems_of
from tasks_app.engine.sentences import kept, say
from tasks_app.engine.task import Task
from tasks_app.engine.webhook import url_of

MAX_ATTEMPTS = 50
_MONTH = 31 * 24 * 3600
_NO_TYPE = kept("There is no task type {name!r}.")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Kind(StrEnum):
    """Where a handler runs."""

    ASYNC = "async"  # `async def`: on the engine's loop
    THREAD = "thread"  # `def`: in a thread of its own
    PROCESS = "process"  # `def` marked CPU-bound: in a worker process


SLOTS = {Kind.ASYNC: None, Kind.THREAD: 64, Kind.PROCESS: os.cpu_count() or 1}  # a coroutine costs next to nothing, the others do not


class Backoff(Struct, frozen=True):
    """Waits between attempts: `base * factor ** (n - 1)` seconds, at most `limit`, each shortened by up to the share `jitter` at random."""

    base: float = 1.0
    factor: float = 2.0
    limit: float = 300.0
    jitter: float = 0.5

    def seconds(self, failures: int, chance: float) -> float:
        """The wait after that many failed attempts; `chance` is a random number in [0, 1)."""
        whole = min(self.limit, self.base * self.factor ** min(failures - 1, 64))
        return whole * (1 - self.jitter * chance)

    def __post_init__(self) -> None:
        """Raises SetupError for waits that are no waits."""
        if not (0 <= self.base <= _MONTH and 1 <= self.factor <= 1000 and 0 <= self.limit <= _MONTH and 0 <= self.jitter <= 1):
            raise SetupError("A back-off has a base and a limit from 0 to a month, a factor from 1 to 1000 and a jitter from 0 to 1.")


class TaskType(Struct, frozen=True, kw_only=True):
    """Something that can be run: a handler and all that is declared beside it.

    `concurrency` None means: as many as the overall limit allows; where it is not declared, SLOTS says. `headline` turns a result
    into the two short lines a finished row shows. `idempotent` says that running it twice does no harm.
    """

    name: str
    function: Callable[..., Any]
    params: type[Params]
    kind: Kind
    title: str
    description: str = ""
    concurrency: int | None = None
    retry_concurrency: int | None = None  # slots of their own for further attempts; None: they share those of the first
    timeout: float | None = None
    max_attempts: int = 1
    backoff: Backoff = Backoff()
    idempotent: bool = False
    launchable: bool = True  # False: the system makes these itself; not offered for launch
    headline: Callable[[Any], tuple[str, str]] | None = None
    webhook: str = ""  # where the end of each task of this type is told, unless IOTASK_WEBHOOKS says another place

    def __post_init__(self) -> None:
        """Raises SetupError for what would never run."""
        slots, seconds = (self.concurrency, self.retry_concurrency), self.timeout
        if (
            any(count is not None and count < 1 for count in slots)
            or (seconds is not None and seconds <= 0)
            or not 1 <= self.max_attempts <= MAX_ATTEMPTS
        ):
            raise SetupError(f"{self.name!r} needs a concurrency of 1 or more, a timeout above 0, and from 1 to {MAX_ATTEMPTS} attempts.")
        try:
            if self.webhook:
                url_of(self.webhook)
        except ValueError as error:
            raise SetupError(f"The webhook of {self.name!r} {error}.") from None

    def encode(self, given: Any) -> tuple[bytes, bytes | None]:
        """Validate params given as JSON values. Raises InvalidParams.

        Two JSON texts, defaults filled in: one fit to be shown, and, where there are secrets, one with them in the clear.
        """
        if given == {} and not self.params.__pydantic_fields__:
            return NO_PARAMS, None
        try:
            params = self.params.model_validate_json(_json(given))
        except ValidationError as error:
            raise InvalidParams([(_path(name), text) for name, text in problems_of(error, "")]) from None
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidParams([("params", say("not JSON: {error}", error=str(error)))]) from None
        shown = params.model_dump(mode="json")
        plain = _revealed(params, shown)
        return _json(shown), None if plain == shown else _json(plain)

    def params_of(self, task: Task) -> Params:
        """A task's params as the model its handler gets, secrets included."""
        return read(self.params, task.secrets or task.params)

    def summary(self, task: Task) -> str:
        """What a row shows of a task's params."""
        return self.params_of(task).summary()

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the params: the same object each time, not to be changed."""
        return _schema_of(self.params)


@lru_cache(maxsize=512)
def _schema_of(params: type[Params]) -> dict[str, Any]:
    """A schema takes a millisecond or two to make, and never changes."""
    return params.model_json_schema()


def task_type(
    name: str,
    *,
    params: type[Params] = Params,
    title: str = "",
    cpu_bound: bool = False,
    **declared: Any,
) -> Callable[[Callable[..., Any]], TaskType]:
    """Declare a handler: `async def handler(params, context)`, or `def` for a thread, or `def` with `cpu_bound=True` for a process.

    The handler's docstring is the type's description. Further keywords are the fields of TaskType.
    """
    if not _NAME.fullmatch(name):
        raise SetupError(f"{name!r} is not a task type name: lower-case letters, digits and underscores, 64 at most.")

    def declare(function: Callable[..., Any]) -> TaskType:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise SetupError(f"The handler of {name!r} is a generator; a handler returns its result.")
        kind = Kind.ASYNC if inspect.iscoroutinefunction(function) else Kind.PROCESS if cpu_bound else Kind.THREAD
        if cpu_bound and kind is Kind.ASYNC:
            raise SetupError(f"The handler of {name!r} is CPU-bound: write it with def, not async def.")
        declared.setdefault("concurrency", SLOTS[kind])
        return TaskType(
            name=name,
            function=function,
            params=params,
            kind=kind,
            title=title or name.replace("_", " ").capitalize(),
            description=inspect.getdoc(function) or "",
            **declared,
        )

    return declare


class Registry:
    """The task types of this process by name, and the handler modules that could not be imported."""

    def __init__(self) -> None:
        self._types: dict[str, TaskType] = {}
        self.broken: dict[str, str] = {}
        self.elsewhere: Callable[[str], TaskType | None] = _nowhere  # asked for names that are not known here

    def register(self, task_type: TaskType) -> TaskType:
        """Add one. Raises DuplicateType."""
        if self._types.get(task_type.name, task_type) is not task_type:
            raise DuplicateType(f"Two task types are named {task_type.name!r}.")
        self._types = {**self._types, task_type.name: task_type}  # others may be looking through it, in their own threads
        return task_type

    def discover(self, package: ModuleType | str) -> None:
        """Register every TaskType in a module, or in each module of a package. A module that fails to import is kept in `broken`."""
        module = self._imported(package) if isinstance(package, str) else package
        if module is None:
            return
        self._register_all(module)
        for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
            part = self._imported(f"{module.__name__}.{found.name}")
            if part is not None:
                self._register_all(part)

    def get(self, name: str) -> TaskType:
        """Raises UnknownType."""
        found = self.find(name)
        if found is None:
            raise UnknownType(_NO_TYPE(name=str(name)[:80]), field="type")
        return found

    def launchable(self, name: str) -> TaskType:
        """The type of this name, if people may launch it. Raises UnknownType, NotLaunchable."""
        found = self.get(name)
        if not found.launchable:
            raise NotLaunchable(field="type")
        return found

    @property
    def fields(self) -> frozenset[str]:
        """The names of all fields that params may have."""
        return frozenset(field for task_type in self._types.values() for field in task_type.params.model_fields)

    def find(self, name: str) -> TaskType | None:
        """The type, or None: tasks of a type that is no longer installed may still be shown."""
        try:
            found = self._types.get(name)
        except TypeError:  # no name at all
            return None
        return found or self._found_elsewhere(name)

    def __iter__(self) -> Iterator[TaskType]:
        return iter(sorted(self._types.values(), key=lambda t: t.name))

    def __len__(self) -> int:
        return len(self._types)

    def _found_elsewhere(self, name: str) -> TaskType | None:
        found = self.elsewhere(name)
        return found and self.register(found)

    def _imported(self, name: str) -> ModuleType | None:
        try:
            return importlib.import_module(name)
        except (Exception, SystemExit) as error:
            self.broken[name] = f"{type(error).__name__}: {error}"
            return None

    def _register_all(self, module: ModuleType) -> None:
        for value in vars(module).values():
            if isinstance(value, TaskType):
                self.register(value)


def _nowhere(name: str) -> TaskType | None:
    return None


def _path(name: str) -> str:
    return f"params.{name}" if name else "params"


def _json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def _revealed(value: Any, shown: Any) -> Any:
    """`shown`, the JSON values of a model or a part of it, with the secrets of `value` in the clear."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {name: _revealed(getattr(value, name), part) for name, part in shown.items()}
    if isinstance(value, dict):
        return {name: _revealed(part, as_shown) for part, (name, as_shown) in zip(value.values(), shown.items(), strict=True)}
    if isinstance(value, list | tuple):
        return [_revealed(part, as_shown) for part, as_shown in zip(value, shown, strict=True)]
    return shown
