"""What tests of all rooms share."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import httpx
import pytest
import structlog
import websockets.asyncio.client
import websockets.sync.client
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings

from tasks_app.handlers._egress import door
from tasks_app.logs.outbox import Outbox
from tasks_app.tests.left_open import watch
from tasks_app.tests.patient_loop import PatientLoop
from tasks_app.tests.processes import PATIENCE, Started, started

left_open = watch()


def patient_clients() -> None:
    """Whoever asks a server waits as long as one on a busy machine may need: a time that runs out is asked for by those who test it."""
    for name in ("connect", "read", "write", "pool"):
        setattr(DEFAULT_TIMEOUT_CONFIG, name, PATIENCE)
    opens: Any
    for opens in (websockets.asyncio.client.connect.__init__, websockets.sync.client.connect):
        opens.__kwdefaults__.update(open_timeout=PATIENCE, ping_timeout=PATIENCE)


patient_clients()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Name our option."""
    parser.addoption("--whole", action="store_true", help="the long form of tests that have a quick one")


def pytest_configure(config: pytest.Config) -> None:
    """Name our mark, and say how many examples hypothesis tries where a test does not."""
    gc.disable()
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # as of what a shell runs in the background: programs that tests interrupt would not hear
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # A loaded machine is slow, not wrong: neither how long an example takes nor how long it takes to make one says anything.
    settings.register_profile("whole", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("quick", settings.get_profile("whole"), max_examples=40)
    settings.load_profile("whole" if config.getoption("--whole") else "quick")
    config.addinivalue_line("markers", "files_stay(why): descriptors stay open after this test, as something goes on that many tests use")


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Timers of the loop a test runs on do not fire early because its machine stood still for a while."""
    return {"patient": PatientLoop}


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """All tests are there, and stay: nobody looks through them for garbage. What looked for it while they came took a third of the time."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Note what is open once a test's fixtures are there."""
    left_open.begin()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that leaves more open than that: tasks, threads, descriptors, errors nobody looked at."""
    yield
    files_may_stay = item.get_closest_marker("files_stay") is not None
    left = left_open.end(files_may_stay=files_may_stay, garbage=item.path.parent.name in ("celery", "cluster"))
    assert not left, "\n".join(["This test left behind", *left])


@pytest.fixture(scope="session", autouse=True)
def only_pytest_hears_what_is_logged_here() -> None:
    """A thread that writes to stderr would do so between two tests as well, where nobody captures it."""
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, Outbox)]


@pytest.fixture(scope="session", autouse=True)
def tasks_here_may_dial_this_machine() -> None:
    """As those of a server may that only this machine can reach."""
    door.listens("127.0.0.1", 1)


@pytest.fixture(scope="module", autouse=True)
def the_process_is_as_it_was(tasks_here_may_dial_this_machine: None) -> Iterator[None]:
    """What a runtime sets for its process, which is its own elsewhere, does not reach the tests of other files."""
    thresholds, interval, factory, was = gc.get_threshold(), sys.getswitchinterval(), logging.getLogRecordFactory(), dict(vars(door))
    knows_structlog = structlog.is_configured()
    yield
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)
    logging.setLogRecordFactory(factory)
    if not knows_structlog:
        structlog.reset_defaults()
    vars(door).update(was)


@pytest.fixture(scope="session")
def served_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A real `manage.py serve`, ready to answer. At the end it must go in order, with exit code 0 and no child left."""
    output = tmp_path_factory.mktemp("served") / "output"
    handlers = "tasks_app.tests.sample_tasks,tasks_app.tests.long_undo"
    with started(output, "manage.py", "serve", "-p", "0", IOTASK_HANDLERS=handlers, IOTASK_GRACE_SECONDS="0.5") as process:
        process.wait_until(lambda: _healthy(process.url))
        yield process
        assert process.stop() == 0, process.said


@pytest.fixture
def served(served_process: Started) -> str:
    """The address of a real server, without a slash at the end."""
    return served_process.url


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False
