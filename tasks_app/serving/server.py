"""What `serve` and `demo` stand on: a listening socket, and a uvicorn that lets running tasks end before it goes."""

from __future__ import annotations

import asyncio
import errno
import gc
import math
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn

from tasks_app import runtime
from tasks_app.api.dialects import jobs
from tasks_app.auth.audit import audit
from tasks_app.conf import get_config
from tasks_app.ends import HELD_UP, STUCK
from tasks_app.exposure import check_address, check_login, reminded
from tasks_app.kafka.topic import Topic
from tasks_app.logs import server_lines
from tasks_app.logs.app_log import app_log
from tasks_app.logs.prints import prints_do_not_wait
from tasks_app.memory import give_back_what_is_large
from tasks_app.serving.inbox import MAX_MESSAGE
from tasks_app.serving.socket_connections import PING_SECONDS, PONG_SECONDS, BoundedWebSocket
from tasks_app.serving.straight import protocol_for

GRACE_FOR_ANSWERS = 4.0  # seconds that open requests get once no task has any grace left; those that ended late use them up too
LEAST_FOR_ANSWERS = 0.3  # seconds, after tasks that used them all up
LAST_SECONDS = 5.0  # beyond the grace, in which all is over, unless there is much to settle
LEAST_FOR_THREADS = 0.3  # of them, for threads that handlers left
BACKLOG = 2048
STOPPING = "Stopping: running tasks may end within their grace; once more stops them now."
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class CannotServe(Exception):
    """The server cannot listen there; the message is a sentence for a person."""


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any free one. Raises CannotServe, and Exposed where the wrong people could come."""
    family, address = _resolved(host, port)
    check_login()
    check_address(host, str(address[0]))
    try:
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotServe(_why_not(error, host, port)) from None


def url_of(listening: socket.socket) -> str:
    """The address to type into a browser on this machine."""
    host, port = listening.getsockname()[:2]
    shown = {"127.0.0.1": "localhost", "0.0.0.0": "localhost", "::": "localhost"}.get(host, host)  # noqa: S104 - shown, not bound
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


class Server(uvicorn.Server):
    """Stops in order: no new work, running tasks get their grace while pages and `/readyz` still answer, then the sockets close.

    A second signal ends the grace. `told` hears, in a sentence, that the server is ready and that it is stopping; `asked` holds the signals
    that came before it began.
    """

    def __init__(self, application: Any, listening: socket.socket, told: Callable[[str], object], asked: Sequence[int]) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=protocol_for(application),
                ws=BoundedWebSocket,
                ws_per_message_deflate=False,  # it tripled the cost of a frame
                ws_max_size=MAX_MESSAGE,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=PONG_SECONDS,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,  # anybody may write them; there is no proxy in front unless somebody says so
                backlog=BACKLOG,
                timeout_graceful_shutdown=round(GRACE_FOR_ANSWERS),
            )
        )
        self._listening = listening
        self._told = told
        self._asked = asked
        self._drain: asyncio.Future[None] | None = None
        self._leaves_when_stuck = get_config().exit_when_stuck
        self.exit_code = 0
        self.over_at = math.inf  # when all is to be over (monotonic), once it stops

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say where it is once it answers."""
        await super().startup(sockets)
        gc.freeze()  # what is loaded by now stays: to look through it again and again held every thread up for 0.1 s and more
        gc.enable()  # `manage.py` had turned it off
        self._told(f"IoTask is ready at {url_of(self._listening)} (Ctrl-C stops it).")
        server_lines.ready(url_of(self._listening))
        if self._asked:
            self.ask_to_stop()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Ours instead of uvicorn's, which closes the sockets first and raises the signal again at the end."""
        loop, numbers = asyncio.get_running_loop(), _signals_of_an_end()
        for number in numbers:
            loop.add_signal_handler(number, self.ask_to_stop)
        loop.add_signal_handler(signal.SIGUSR1, runtime.get().copy_journal)
        yield
        loop.remove_signal_handler(signal.SIGUSR1)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        for number in numbers:  # whoever asks again now is asking for what has happened already
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: leave, where that is set, once too many handlers do not stop."""
        if self._leaves_when_stuck and self._drain is None and runtime.get().engine.runner.stuck_too_many:
            server_lines.stuck_too_many()
            self.exit_code = STUCK
            self.ask_to_stop()
        return await super().on_tick(counter)

    def ask_to_stop(self) -> None:
        """Begin the drain; asked again, end its grace."""
        if self._drain is not None:
            runtime.cut_short()
            return
        self.over_at = time.monotonic() + get_config().grace_seconds + LAST_SECONDS
        runtime.begin_drain()
        self._told(STOPPING)
        self._drain = asyncio.get_running_loop().run_in_executor(None, runtime.stop)
        self._drain.add_done_callback(self._drained)

    def _drained(self, drain: asyncio.Future[None]) -> None:
        self.should_exit = True  # looked at ten times a second
        drain.result()
        left = self.over_at - time.monotonic() - LEAST_FOR_THREADS
        seconds = max(LEAST_FOR_ANSWERS, min(GRACE_FOR_ANSWERS, left))
        self.config.timeout_graceful_shutdown = seconds  # type: ignore[assignment] # what it is given to takes parts of a second


def _signals_of_an_end() -> tuple[signal.Signals, ...]:
    """A terminal that is closed says SIGHUP: to a server that was not told (by nohup) to outlive it."""
    return SIGNALS if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (*SIGNALS, signal.SIGHUP)


class Served(NamedTuple):
    """How serving ended: the exit code, and when the process should be gone at the latest (monotonic)."""

    code: int
    over_at: float

    def seconds_left(self) -> float:
        """For threads that handlers left."""
        return min(HELD_UP, max(LEAST_FOR_THREADS, self.over_at - time.monotonic()))


def serve(application: Any, listening: socket.socket, told: Callable[[str], object]) -> Served:
    """Start the engine and serve until a signal; returns when every task is settled and every socket closed.
    Raises SetupError where a topic is to be read and its client library is missing, CannotServe where nothing may be launched."""
    broker = get_config().kafka
    if broker and get_config().read_only:
        raise CannotServe("READ_ONLY is set, and a topic would launch tasks: leave out IOTASK_KAFKA and --kafka.")
    topic = Topic(broker, jobs.accept, jobs.stored) if broker else None
    asked: list[int] = []
    for number in _signals_of_an_end():  # from here on tasks may run: one that comes before the server is ready is kept for it
        signal.signal(number, lambda which, _: asked.append(which))
    give_back_what_is_large()
    started = runtime.get()
    started.owns_process = True
    if topic is not None:
        started.attach(topic)
    server = Server(application, listening, told, asked)
    server.run(sockets=[listening])
    return Served(server.exit_code, server.over_at)


@contextmanager
def logged() -> Generator[None, None, None]:
    """Write app.log and audit.log while a server runs, and have nobody wait who prints; the last line of app.log says how the server ended.
    Raises CannotLog."""
    config = get_config()
    bounds = {"max_bytes": config.log_max_bytes, "files": config.log_files}
    with app_log(config.log_dir, form=config.log_format, **bounds), audit.kept(config.log_dir, **bounds), reminded(), prints_do_not_wait():
        try:
            yield
        finally:
            if not isinstance(sys.exception(), Exception):  # else it never ran: whoever started it hears why
                server_lines.stopped(runtime.ending())


def _resolved(host: str, port: int) -> tuple[int, tuple[Any, ...]]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise CannotServe(f"{host!r} is not an address of this machine: HOST or --host names one, such as 127.0.0.1.") from None
    return family, address


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program: stop that one, or choose another port with --port or PORT."
    if error.errno == errno.EACCES:
        return f"This account may not listen on port {port}: choose one above 1023 with --port or PORT."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: HOST or --host names one, such as 127.0.0.1."
    return f"{host}:{port} cannot be listened on: {error.strerror or error}."
