"""`manage.py runserver`: Daphne, for developing. Loads changed code anew, and lets running tasks end before it goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from types import FrameType
from typing import Any

import daphne.server
from channels.routing import get_default_application
from daphne.management.commands.runserver import Command as DaphneCommand
from daphne.server import Server as DaphneServer
from django.core.management.base import CommandParser
from django.core.management.color import no_style
from django.utils import autoreload
from twisted.internet import reactor, threads
from twisted.internet.defer import Deferred

from tasks_app import runtime
from tasks_app.conf import choose, get_config
from tasks_app.exposure import Exposed
from tasks_app.logs import server_lines
from tasks_app.logs.app_log import CannotLog
from tasks_app.management.commands.serve import leave
from tasks_app.serving.daphne_connections import BoundedRequest, Connections, Sockets
from tasks_app.serving.inbox import MAX_MESSAGE
from tasks_app.serving.server import SIGNALS, STOPPING, CannotServe, listening_socket, logged

RELOAD = 3  # the exit code by which Django's reloader asks to be started again


class Server(DaphneServer):  # type: ignore[misc]
    """Daphne, with the drain before it ends what is connected. Its reactor waits for what this returns."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """Nobody needs to know what it is."""
        sizes = {"websocket_max_message_size": MAX_MESSAGE, "websocket_max_frame_size": MAX_MESSAGE}
        super().__init__(*args, **{**more, **sizes, "server_name": "", "ready_callable": self._ready})

    def run(self) -> None:
        """Listens before its reactor takes signals: one that comes in between is kept for it."""
        daphne.server.HTTPFactory = Connections  # Daphne makes its own, and asks nobody which
        daphne.server.WebSocketFactory = Sockets
        if self.signal_handlers:
            signal.signal(signal.SIGTERM, lambda *_: reactor.callWhenRunning(_stop_reactor))
        super().run()

    def _ready(self) -> None:
        for host, port in self.listening_addresses:
            runtime.listens(host, port)
            server_lines.ready(f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/")

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """An application goes on when its reader does."""
        await super().handle_reply(protocol, message)
        if isinstance(protocol, BoundedRequest):
            await protocol.taken()

    def kill_all_applications(self) -> Deferred[Any]:
        """Called at shutdown, before the sockets close. A second signal ends the grace."""
        _cut_short_on_signals()
        return threads.deferToThread(runtime.stop).addBoth(lambda _: super(Server, self).kill_all_applications())


class Command(DaphneCommand):  # type: ignore[misc]
    """Daphne's runserver on IoTask's own address, with an orderly stop."""

    help = "Serve the dashboard and the API for developing (Daphne; loads changed code anew). For using, there is serve."
    server_cls = Server

    def add_arguments(self, parser: CommandParser) -> None:
        """Daphne's, and the word that opens it to others."""
        super().add_arguments(parser)
        parser.add_argument("--i-know-this-is-open", action="store_true", help="let everybody who reaches it do everything")

    def handle(self, *args: Any, **options: Any) -> None:
        """Without an address: where HOST and PORT say."""
        config = get_config()
        host = f"[{config.host}]" if ":" in config.host else config.host
        asked = options["addrport"] or ""
        if not asked or asked.isdigit():
            options["addrport"] = f"{host}:{asked or config.port}"
        super().handle(*args, **options)

    def run(self, **options: Any) -> None:
        """What is in the way is one sentence and exit code 1, a door that would be open 2."""
        reloading = options["use_reloader"]
        choose(open_to_others=options["i_know_this_is_open"])
        if not _is_child():
            try:
                listening_socket(self.addr, int(self.port)).close()
            except CannotServe as error:
                sys.exit(str(error))
            except Exposed as error:
                leave(error)
            self.stdout.write("This server is for developing; `manage.py serve` is for using.")
        if reloading and not _is_child():
            sys.exit(_run_child())
        try:
            with logged():
                self._serve(**options)
        except CannotLog as error:
            sys.exit(str(error))

    def _serve(self, **options: Any) -> None:
        self.style = no_style()  # it colours what is logged; a line that goes to a file has no colours
        try:
            super().run(**options)
        except SystemExit as leaving:
            if leaving.code == RELOAD:  # what runs is the old code: nobody waits for it
                runtime.begin_drain()
                runtime.cut_short()
            raise
        finally:
            _cut_short_on_signals()
            self.stdout.write(STOPPING)
            self.stdout.flush()
            runtime.stop()

    def get_application(self, options: dict[str, Any]) -> Any:
        """IoTask serves its static files itself, whatever DEBUG is."""
        return get_default_application()


def _stop_reactor() -> None:
    reactor.stop()  # type: ignore[misc] # a module that is an interface, to its types


def _is_child() -> bool:
    return os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) == "true"


def _run_child() -> int:
    """Run the reloader's child, again and again while it asks for that.

    Django's own way kills the child at SIGTERM, and a quarter of a second after Ctrl-C: no time to end tasks.
    """
    signal.signal(signal.SIGINT, _leave_to_the_child)  # a terminal sends it to the child as well
    code = RELOAD
    while code == RELOAD:
        environ = {**os.environ, autoreload.DJANGO_AUTORELOAD_ENV: "true"}
        with subprocess.Popen(autoreload.get_child_arguments(), env=environ, close_fds=False) as child:
            signal.signal(signal.SIGTERM, partial(_hand_on, child))
            code = child.wait()
    return 0 if code == -signal.SIGTERM else code  # stopped before it had begun: nothing ran


def _hand_on(child: subprocess.Popen[bytes], number: int, frame: FrameType | None) -> None:
    child.terminate()


def _leave_to_the_child(number: int, frame: FrameType | None) -> None:
    """Not SIG_IGN: a child would inherit that."""


def _cut_short_on_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, lambda *_: runtime.cut_short())
