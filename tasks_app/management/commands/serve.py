"""`manage.py serve`: the server for using IoTask. One process, uvicorn."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Never

from channels.routing import get_default_application
from django.core.checks import run_checks
from django.core.management.base import BaseCommand, CommandParser, SystemCheckError

from tasks_app import runtime
from tasks_app.conf import choose, get_config
from tasks_app.ends import leave_in_time, skips_teardown
from tasks_app.engine.errors import SetupError
from tasks_app.exposure import Exposed, check_login
from tasks_app.kafka.broker import address_of
from tasks_app.logs.app_log import CannotLog
from tasks_app.serving.server import CannotServe, listening_socket, logged, serve

MOST_DIGITS = 12
MOST_WORKERS = 1_000_000
LONGEST_TIMEOUT = 604_800_000  # ms: a week


def port(text: str) -> int:
    """A port number from the command line; 0 takes any free one."""
    return _whole(text, 0, 65_535, "no port")


def milliseconds(text: str) -> int:
    """A timeout from the command line."""
    return _whole(text, 1, LONGEST_TIMEOUT, "no timeout in milliseconds")


def workers(text: str) -> int:
    """A number of slots from the command line."""
    return _whole(text, 1, MOST_WORKERS, "no number of workers")


def broker(text: str) -> str:
    """HOST or HOST:PORT of a Kafka broker."""
    try:
        address_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _whole(text: str, low: int, high: int, not_one: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is {not_one}: allowed is a whole number from {low} to {high}.")
    return int(text)


class Command(BaseCommand):
    """Serves the dashboard and the API until Ctrl-C or SIGTERM, then lets running tasks end."""

    help = "Serve the dashboard and the API (uvicorn, one process)."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A wrong value is told in one sentence, without a list of all there is; `--help` has that."""
        return super().create_parser(prog_name, subcommand, usage=argparse.SUPPRESS, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen."""
        config = get_config()
        parser.add_argument("-p", "--port", type=port, default=config.port, help="default: PORT, or 8080; 0 takes any free one")
        parser.add_argument("--host", default=config.host, help="default: HOST, or 127.0.0.1")
        parser.add_argument("--i-know-this-is-open", action="store_true", help="let everybody who reaches it do everything")
        parser.add_argument(
            "-t", "--timeout", type=milliseconds, metavar="MS", help="of each attempt, for all tasks that name none (jobs: 3000)"
        )
        parser.add_argument("-twrk", "--task-workers", type=workers, metavar="N", help="slots for first tries of jobs (10)")
        parser.add_argument("-rwrk", "--rerun-workers", type=workers, metavar="N", help="slots for further tries of jobs (10)")
        parser.add_argument(
            "-kh", "--kafka", type=broker, metavar="HOST[:PORT]", help="take jobs from this broker's topic `tasks` too (off)"
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """What is wrong with the login is told before anything else is looked at."""
        skips_teardown()  # before checks, which import handlers
        try:
            choose(open_to_others=options["i_know_this_is_open"])
            check_login()
        except Exposed as error:
            leave(error)
        try:
            return super().execute(*args, **options)
        except SystemCheckError as error:  # Django's own form is a report of many lines
            found = [message for message in run_checks() if message.is_serious()]
            print(*(message.msg for message in found) if found else (error,), sep="\n", file=sys.stderr)
            sys.exit(2)

    def handle(self, *args: Any, **options: Any) -> None:
        """Returns after an orderly stop; what is in the way is one sentence and exit code 1, a door that would be open 2."""
        _choose(options)
        try:
            listening = listening_socket(options["host"], options["port"])
            choose(host=options["host"], port=listening.getsockname()[1])  # the page of settings says where it really is
            runtime.listens(*listening.getsockname()[:2])
            with listening, logged(), self.beside():
                served = serve(get_default_application(), listening, self.say)
        except (CannotServe, CannotLog, SetupError) as error:
            sys.exit(str(error))
        except Exposed as error:
            leave(error)
        leave_in_time(served.code, served.seconds_left())
        if served.code:
            sys.exit(served.code)

    def beside(self) -> AbstractContextManager[None]:
        """What goes on while it serves."""
        return nullcontext()

    def say(self, sentence: str) -> None:
        """A line for whoever started it, at once also through a pipe. Nobody has to be listening."""
        with suppress(OSError):
            print(sentence, flush=True)  # to what is stdout now: while it serves, nobody waits for whoever reads


def leave(error: Exposed) -> Never:
    """End with its sentence and exit code 2."""
    print(error, file=sys.stderr)
    sys.exit(2)


def _choose(options: dict[str, Any]) -> None:
    """Put what the command line says above the settings."""
    config = get_config()
    if options["timeout"] is not None:
        choose(task_timeout=options["timeout"] / 1000, job_timeout=options["timeout"] / 1000)
    if options["task_workers"] is not None:
        choose(limits={**config.limits, "message": options["task_workers"]})
    if options["rerun_workers"] is not None:
        choose(retry_limits={**config.retry_limits, "message": options["rerun_workers"]})
    if options["kafka"] is not None:
        choose(kafka=options["kafka"])
