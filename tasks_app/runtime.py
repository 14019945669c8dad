"""The composition root: builds store, journal, executor and engine once a process, starts them when first needed, drains them."""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Sized
from functools import partial
from importlib import import_module

from tasks_app import guests, installed, tracing, workplace
from tasks_app.conf import Config, get_config
from tasks_app.ends import kill_programs
from tasks_app.engine.bulk import bulk_type
from tasks_app.engine.bulk_undo import undo_type
from tasks_app.engine.engine import Engine
from tasks_app.engine.host import Host
from tasks_app.engine.ids import new_id
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.pulse import Pulse
from tasks_app.engine.schedule import Schedule
from tasks_app.engine.schedules import Schedules
from tasks_app.engine.spans import spans
from tasks_app.engine.store import Store
from tasks_app.engine.tally import Tally
from tasks_app.engine.task import RUNNING, Task
from tasks_app.executors.workers import kill_all
from tasks_app.handler_lines import ToTask
from tasks_app.handlers._egress import door
from tasks_app.journal.null import NullJournal
from tasks_app.journal.sqlite import SqliteJournal
from tasks_app.kafka.topic import Topic
from tasks_app.logs import server_lines
from tasks_app.logs.task_lines import TaskLines
from tasks_app.memory import Memory, usual_bound
from tasks_app.troubles import Troubles
from tasks_app.watching import cluster_of
from tasks_app.webhooks.deliveries import Deliveries, Pace
from tasks_app.webhooks.hooks import hooks_of, secret_in

GARBAGE = 50_000  # objects made before Python looks for circles among them: records are no part of any, and there are many
SWITCH = 0.001  # seconds a thread may keep the interpreter from another: a handler that computes takes turns with pages
books: list[Callable[[Schedule, Task], object]] = []  # who writes down what a time of a schedule has launched


class NotYet(RuntimeError):
    """A module that brings task types launches one, or looks at some, while it is imported: there are no tasks yet."""

    def __init__(self) -> None:
        super().__init__("Tasks can be launched once all task types are known, not while a module that brings some is imported.")


class Runtime:
    """All that one process has one of. `epoch` names this process: versions of the store begin again with the next."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.epoch = secrets.token_hex(4)
        self.registry = installed.registry_of(config)
        self.store = Store()
        self.memory = Memory(config.max_memory or usual_bound())
        self.executor, self.cluster_app = workplace.executor_of(config, self.registry)
        journal = SqliteJournal(config.journal, server_lines.journal) if config.journal else NullJournal()
        hooks = hooks_of(config.webhooks.text, secret_in(config.webhook_secret.text, config.webhook_secret_file))
        self.webhooks = Deliveries(hooks, journal, self.registry, SystemClock(), Pace(patience=config.webhook_hours * 3600))
        self.store.listen(self.webhooks.listen)  # before the journal: what is to be told is written with the end that it tells
        self.engine = Engine(
            room=self.memory.trouble,
            store=self.store,
            registry=self.registry,
            executor=self.executor,
            journal=journal,
            clock=SystemClock(),
            limits=workplace.limits_of(config, signs=bool(hooks.secret)),
        )
        self.cluster = cluster_of(self.cluster_app, self.engine)
        self.tallies: dict[int, Tally] = {}  # of the bulk actions under way, by number
        for kind in (bulk_type(self.engine, self.tallies), undo_type(self.engine, self.tallies)):
            self.registry.register(kind)
        self.webhooks.begin(self.engine)
        self.schedules = Schedules(self.engine, self.engine.recovered, new_id, config.max_schedules)
        self.schedules.told = _written_down
        self.host = Host(self.engine, new_loop=_new_loop, told=server_lines.held_up)
        self._log = TaskLines()
        self._to_task = ToTask(config.handler_logs)
        self.store.listen(self._log.listen, only_own=True)
        self.pulse = Pulse(self.engine.clock)
        self.pulse.restore(self.store.all())
        self.store.listen(self.pulse.listen)
        self.engine.each_tick(self._look)
        self._troubles = Troubles(self)
        self.sockets: Sized = ()  # those that are open, counted by the room that has them
        self.topic: Topic | None = None
        self.owns_process = False  # whether all that this process started may be ended with it: in a project of others it may not
        self._stopping = threading.Lock()
        self._stopped = False
        self.ending: server_lines.Ending | None = None

    def start(self) -> None:
        """Start the engine's thread."""
        sys.setswitchinterval(SWITCH)
        gc.set_threshold(max(GARBAGE, gc.get_threshold()[0]), *gc.get_threshold()[1:])
        self._to_task.begin()
        spans.begin = tracing.begin
        guests.move_in(self.store)
        self.host.start()
        if self.cluster is not None:
            self.cluster.start()
        self.executor.begin()

    def say_begin(self) -> None:
        """Say in the log what tasks may dial, and what an earlier process left."""
        server_lines.targets(targets())
        if self.engine.restart is not None:
            server_lines.went_on(self.engine.restart)

    def attach(self, topic: Topic) -> None:
        """Take jobs from a topic too, from now until it stops."""
        self.topic = topic
        topic.start()

    def _look(self) -> None:
        """What the pulse is to know of this moment. On the engine's loop."""
        watchdog = self.host.watchdog
        self.pulse.look(self.store.waiting, self.engine.queues.running, watchdog.slowest() if watchdog else 0.0)

    @property
    def unwritten(self) -> int | None:
        """How many changes the journal has still to take to its disk; None where there is no journal."""
        journal = self.engine.journal
        return journal.unwritten if isinstance(journal, SqliteJournal) else None

    def copy_journal(self) -> None:
        """Copy the journal's file beside it, under its name and `.copy`; the log says how that went. Returns at once."""
        journal = self.engine.journal
        if isinstance(journal, SqliteJournal) and self.config.journal is not None:
            to = self.config.journal.with_name(f"{self.config.journal.name}.copy")
            journal.copy(to, partial(server_lines.copied, to))
        else:
            server_lines.copied(None, "There is no journal to copy: IOTASK_JOURNAL is not set.")

    def begin_drain(self) -> None:
        """Refuse new work from now on, and take none."""
        self.engine.begin_drain()
        if self.topic is not None:
            self.topic.stop()

    def stop(self) -> None:
        """Drain: see `stop` below."""
        self.begin_drain()
        with self._stopping:
            if self._stopped:
                return
            self._stopped = True
            began, ended = time.monotonic(), self.engine.stats.ended()
            server_lines.stopping(running=self._running, waiting=self.store.waiting)
            if not self.host.stop(self.config.grace_seconds):
                server_lines.left_behind(self.host.watchdog.block if self.host.watchdog else None)
                kill_all()
            if self.owns_process and (programs := kill_programs()):
                server_lines.programs_killed(programs)
            if self.topic is not None:
                self.topic.close()
            if self.cluster is not None:
                self.cluster.stop()
            self.engine.journal.close()
            self.store.unlisten(self._log.listen)
            self._to_task.end()
            self._log.close()
            guests.move_out(self.store)
            settled = self.engine.stats.ended() - ended
            self.ending = server_lines.Ending(settled, self._running, self.store.waiting, time.monotonic() - began)

    @property
    def _running(self) -> int:
        return sum(self.store.counts[status] for status in RUNNING)

    def troubles(self) -> list[str]:
        """Why this process is not ready for new work; empty when it is."""
        return self._troubles.all()

    def notices(self) -> list[str]:
        """What people are told on every page: the same, and what cannot be seen at the moment."""
        found = self.troubles()
        unseen = self.cluster.trouble if self.cluster is not None and not self.executor.trouble else ""
        return [*found, unseen] if unseen else found


_lock = threading.RLock()
_runtime: Runtime | None = None
_building = False  # whether somebody is about to
_pid = 0
_serves = 0  # the id of the process that serves, and so is where tasks run


def get() -> Runtime:
    """The runtime of this process, built and started when first asked for. Raises NotYet in whoever is asked for task types to build it."""
    global _runtime, _pid
    if _runtime is not None and _pid == os.getpid():
        return _runtime
    with _lock:
        if _runtime is not None and _pid == os.getpid():
            return _runtime
        if _building:
            raise NotYet
        found = _built()
        _runtime, _pid = found, os.getpid()  # a forked child has the record of a thread, not the thread
        atexit.register(stop)
    found.say_begin()  # without the lock: a handler of logging has one too, and may launch something
    return found


def _built() -> Runtime:
    global _building
    _building = True
    try:
        built = Runtime(get_config())
        built.start()
        return built
    finally:
        _building = False


def _in_a_child() -> None:
    """Forked while another thread had the lock: nobody will ever give it back there."""
    global _lock, _building
    _lock, _building = threading.RLock(), False


os.register_at_fork(after_in_child=_in_a_child)


def serves() -> None:
    """Say that this process is one that serves: tasks run in it from their first use on."""
    global _serves
    _serves = os.getpid()


def is_here() -> bool:
    """Whether tasks run in this process, and not in another one that serves."""
    return os.getpid() in (_serves, _pid if _runtime is not None else 0)


def listens(host: str, port: int) -> None:
    """Say where this process is about to listen, before `get`: its tasks never dial that, and what else they may dial depends on it."""
    door.listens(host, port)


def targets() -> str:
    """What tasks may dial, as IOTASK_TARGETS would say it."""
    return door.policy.words


def begin_drain() -> None:
    """Refuse new work from now on."""
    if _runtime is not None:
        _runtime.begin_drain()


def stop() -> None:
    """Let running tasks end for the grace period, then cancel the rest, let them clean up, and settle every one. Blocks;
    may be called twice."""
    if _runtime is not None and _pid == os.getpid():
        _runtime.stop()


def ending() -> server_lines.Ending | None:
    """What became of the tasks of a runtime that has stopped; None while there is none."""
    return _runtime.ending if _runtime is not None else None


def cut_short() -> None:
    """End the grace period of a `stop` that is under way."""
    if _runtime is not None and _pid == os.getpid():
        _runtime.host.cut_short()


def _written_down(schedule: Schedule, task: Task) -> None:
    for write in books:
        write(schedule, task)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        return import_module("uvloop").new_event_loop()  # type: ignore[no-any-return]
    except ImportError:
        return asyncio.new_event_loop()
