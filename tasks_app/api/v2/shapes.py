"""What is sent beside tasks. The OpenAPI document is made from these."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tasks_app.api.v2.wire import Moment, TaskJSON
from tasks_app.engine.registry import Kind
from tasks_app.engine.task import Status

Count = Annotated[int, Meta(ge=0)]


class Page(Struct):
    """A page of tasks. `next` is the cursor of the following page; `total` of all that match, null where only a part was searched;
    `searched` stands only where words were given: how many tasks were looked at."""

    items: list[TaskJSON]
    next: str | None
    total: Count | None
    searched: Count | UnsetType = UNSET


class Ids(Struct):
    """The ids of new tasks, in the order asked for."""

    ids: list[str]


class ActionPreview(Struct):
    """What an action would do: of `matched` tasks it `acts` on so many, and `left` are left as they are, both by the status that they have
    now. Of given ids, those that are `gone` are not among them."""

    action: str
    matched: Count
    acts: Count
    left: Count
    gone: Count
    acts_by_status: dict[Status, Count]
    left_by_status: dict[Status, Count]


class LogLineJSON(Struct):
    """`seq` rises by one a line within a task; `seconds` since the attempt began."""

    seq: int
    at: Moment
    seconds: float
    attempt: int
    level: str
    text: str


class Log(Struct):
    """Log lines, oldest first; `next` is the `after` of a call that goes on behind; `dropped` lines are no longer kept."""

    items: list[LogLineJSON]
    next: Count
    dropped: Count


class TaskTypeJSON(Struct):
    """Something that can be run; `params` is a JSON Schema."""

    name: str
    title: str
    description: str
    kind: Kind
    launchable: bool
    idempotent: bool
    timeout: float | None
    max_attempts: int
    params: dict[str, Any]


class Types(Struct):
    """All task types."""

    items: list[TaskTypeJSON]


class QueueJSON(Struct):
    """The line before a task type. `concurrency` null: only the overall limit counts."""

    type: str
    paused: bool
    concurrency: int | None
    running: Count
    waiting: Count


class DurationsJSON(Struct):
    """How long completed runs took, in seconds, within 5 %."""

    count: Count
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class BlockedBy(Struct):
    """What holds up the engine's loop: a task by number and type, where that can be seen, and a line of code."""

    number: int | None
    type: str
    place: str
    seconds: float


class EngineJSON(Struct):
    """How the engine is."""

    loop_delay_seconds: float | None
    blocked_by: BlockedBy | None
    stuck: Count
    draining: bool
    troubles: list[str]


class Memory(Struct):
    """What this process holds."""

    rss_bytes: Count


class Stats(Struct):
    """Figures of this server. `version` rises with every change and begins anew with every `epoch`, a name of this process."""

    epoch: str
    version: Count
    tasks: Count
    by_status: dict[Status, Count]
    by_type: dict[str, dict[Status, Count]]
    running: Count
    slots: Count
    waiting: Count
    throughput: dict[str, dict[str, Count]]
    durations: dict[str, DurationsJSON]
    engine: EngineJSON
    memory: Memory


class UseJSON(Struct):
    """How much of a bound is used."""

    used: Count
    most: Count


class SettingJSON(Struct):
    """A setting. `variable` sets it in the environment, null where nothing there does; of a `secret`, `value` says whether there is one.
    Sizes are in bytes, times in seconds, unless the name says otherwise."""

    name: str
    group: str
    variable: str | None
    value: Any
    default: Any
    secret: bool
    description: str
    use: UseJSON | None


class BoundJSON(Struct):
    """A bound that nothing sets."""

    name: str
    value: Annotated[float, Meta(ge=0)]
    description: str
    use: UseJSON | None


class Settings(Struct):
    """What this server was told, what bounds it, and how much of that is used. `targets` is what tasks may dial, in force."""

    settings: list[SettingJSON]
    fixed: list[BoundJSON]
    queues: list[QueueJSON]
    targets: str
