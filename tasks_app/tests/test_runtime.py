"""The composition root: one runtime a process, started when first needed, stopped once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks_app.conf import Config
from tasks_app.engine.errors import Draining
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.runner import STUCK_CAP
from tasks_app.engine.task import Status
from tasks_app.runtime import Runtime
from tasks_app.tests import scripted
from tasks_app.tests.engine.leaks import nothing_left, until
from tasks_app.troubles import STUCK_TOO_MANY


@dataclass
class Made:
    """A runtime of its own, and short words for it."""

    runtime: Runtime

    def submit(self, mode: str = "ok", count: int = 1, seconds: float = 2.0) -> list[str]:
        """The ids of that many tasks."""
        requests = [LaunchRequest(type="scripted", params={"mode": mode, "seconds": seconds})] * count
        return [task.id for task in self.runtime.engine.submit_many(requests)]

    def status(self, task_id: str) -> Status:
        """Where a task is."""
        return self.runtime.store.get(task_id).status


@pytest.fixture
def made() -> Iterator[Made]:
    """A runtime with the scripted handlers and short graces."""
    scripted.LET_GO.clear()
    with nothing_left():
        config = Config(
            handlers=("tasks_app.tests.scripted",), grace_seconds=0.1, cancel_grace_seconds=0.1, limits={"scripted": 500}, max_waiting=50
        )
        built = Runtime(config)
        built.start()
        yield Made(built)
        scripted.LET_GO.set()
        built.stop()


def test_the_config_reaches_the_engine(made: Made) -> None:
    assert made.runtime.engine.limits.cancel_grace == 0.1
    assert made.runtime.engine.queues.get("scripted").concurrency == 500
    assert {"ping", "count", "scripted"} <= {found.name for found in made.runtime.registry}
    assert made.runtime.registry.broken == {}


def test_every_runtime_has_an_epoch_of_its_own(made: Made) -> None:
    other = Runtime(Config())
    other.stop()
    assert made.runtime.epoch != other.epoch


def test_it_runs_tasks_and_stops_once(made: Made) -> None:
    done, runs = made.submit()[0], made.submit("hang")[0]
    assert until(lambda: (made.status(done), made.status(runs)) == (Status.COMPLETED, Status.PROCESSING))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: made.runtime.stop(), range(4)))
    assert made.status(runs) is Status.INTERRUPTED
    with pytest.raises(Draining):
        made.submit()


def test_a_ready_runtime_has_no_troubles_and_a_stopping_one_says_so(made: Made) -> None:
    assert until(lambda: made.runtime.troubles() == [])  # an engine that got no processor for a while is one for a moment
    made.runtime.engine.begin_drain()
    assert until(lambda: made.runtime.troubles() == ["The server is stopping."])


def test_too_many_stuck_handlers_are_a_trouble(made: Made) -> None:
    ids = made.submit("stubborn", STUCK_CAP)
    assert until(lambda: {made.status(task_id) for task_id in ids} == {Status.PROCESSING})
    for task_id in ids:
        made.runtime.engine.cancel(task_id)
    assert until(lambda: made.runtime.troubles() == [STUCK_TOO_MANY])
    scripted.LET_GO.set()
    assert until(lambda: made.runtime.troubles() == [])


def test_full_and_blocked_are_troubles(made: Made) -> None:
    made.runtime.engine.pause("scripted")
    made.submit("ok", 50)
    assert until(lambda: made.runtime.troubles() == ["As many tasks are waiting as this server accepts."])
    for task in made.runtime.store.many(range(60)):
        made.runtime.engine.delete(task.id)
    made.runtime.engine.resume("scripted")
    made.submit("blocks", seconds=150)
    assert until(lambda: made.runtime.troubles() == ["A handler blocks the engine's loop."])
    scripted.LET_GO.set()
    assert until(lambda: made.runtime.troubles() == [])


FIRST_NEEDED = """
import os, threading
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
from tasks_app import runtime
assert not any(thread.name == "engine" for thread in threading.enumerate()), "started before it was needed"
with ThreadPoolExecutor(10) as pool:
    found = set(pool.map(lambda _: runtime.get(), range(50)))
assert len(found) == 1
assert sum(thread.name == "engine" for thread in threading.enumerate()) == 1
has_it, give_it_back = threading.Event(), threading.Event()
def hold():
    with runtime._lock:
        has_it.set()
        give_it_back.wait()
holding = threading.Thread(target=hold)
holding.start()
has_it.wait()
child = os.fork()
if child == 0:
    mine = runtime.get()
    runtime.stop()
    os._exit(0 if mine not in found else 1)
assert os.waitpid(child, 0)[1] == 0, "a forked child must have a runtime of its own, whoever built the parent's just then"
give_it_back.set()
holding.join()
runtime.begin_drain()
runtime.cut_short()
runtime.stop()
runtime.stop()
print("in order")
"""


def test_the_runtime_starts_once_when_first_needed_and_a_forked_child_has_its_own() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FIRST_NEEDED], capture_output=True, text=True, timeout=100, check=False, env=_environment()
    )
    assert (ran.returncode, ran.stdout) == (0, "in order\n"), ran.stderr


TOO_EARLY = """
import types
import django
django.setup()
from tasks_app import guests, runtime
def bring(registry):
    try:
        runtime.get()
    except runtime.NotYet as error:
        print(error)
guests.guests.append(types.SimpleNamespace(bring=bring, move_in=bool, move_out=bool))
runtime.get()
runtime.stop()
"""


def test_a_module_that_launches_a_task_while_it_is_looked_at_for_types_is_told_so() -> None:
    ran = subprocess.run([sys.executable, "-c", TOO_EARLY], capture_output=True, text=True, timeout=100, check=False, env=_environment())
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Tasks can be launched once all task types are known")


LAUNCHED_BY_A_LINE = """
import logging, threading
import django
django.setup()
from tasks_app import guests, runtime
said, building = threading.Event(), threading.Event()
class Launches(logging.Handler):
    def emit(self, record):
        said.set()
        assert building.wait(60)
        runtime.get()
class Guest:
    def bring(self, registry):
        building.set()
    move_in = move_out = bool
logging.getLogger().addHandler(Launches())
guests.guests.append(Guest())
other = threading.Thread(target=logging.getLogger("shop").warning, args=["no stock"], daemon=True)
other.start()
assert said.wait(60)
runtime.get()
other.join(60)
assert not other.is_alive()
runtime.stop()
"""


def test_a_handler_of_logging_that_needs_the_runtime_while_it_is_built_holds_up_nobody() -> None:
    environ = {**_environment(), "LOG_LEVEL": "info"}
    script = [sys.executable, "-c", LAUNCHED_BY_A_LINE]
    ran = subprocess.run(script, capture_output=True, text=True, timeout=100, check=False, env=environ)
    assert ran.returncode == 0, ran.stderr


LEFT_ALONE = """
import django
django.setup()
from tasks_app import runtime
from tasks_app.engine.launch import LaunchRequest
task = runtime.get().engine.submit(LaunchRequest(type="count", params={"interval": 1.0}))
runtime.get().store.listen(lambda changes: print(*(change.after.status for change in changes if change.after), flush=True))
"""


def test_a_process_that_just_ends_settles_its_tasks_first() -> None:
    ran = subprocess.run([sys.executable, "-c", LEFT_ALONE], capture_output=True, text=True, timeout=100, check=False, env=_environment())
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split()[-1] == "interrupted"


def _environment() -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "iotask_site.settings", "IOTASK_GRACE_SECONDS": "0.5", "LOG_LEVEL": "error"}


def test_nothing_of_a_stopped_runtime_is_left() -> None:
    with nothing_left():
        built = Runtime(Config())
        built.start()
        assert any(thread.name == "engine" for thread in threading.enumerate())
        built.stop()


def test_a_runtime_in_somebody_elses_process_ends_nothing_that_it_did_not_start() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        made = Runtime(Config(grace_seconds=0.0))
        made.start()
        made.stop()
        assert other.poll() is None
        other.communicate(b"\n")
    assert other.returncode == 0


def test_after_a_restart_with_a_journal_the_pulse_tells_what_kept_tasks_tell(tmp_path: Path) -> None:
    config = Config(journal=tmp_path / "journal.sqlite", grace_seconds=0.0)
    before = Runtime(config)
    before.start()
    done = before.engine.submit(LaunchRequest(type="count", params={"to": 1, "interval": 0}))
    until(lambda: before.store.get(done.id).status is Status.COMPLETED)
    before.stop()
    after = Runtime(config)
    try:
        span = after.pulse.last_hour()
        assert span.told
        assert sum(slot.ended(Status.COMPLETED) for slot in span.slots) == 1
        assert sum(slot.accepted for slot in span.slots) == 1
    finally:
        after.stop()
