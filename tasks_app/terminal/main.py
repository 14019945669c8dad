"""The whole of a command: read what was typed, do it, end with an exit code and at most a sentence."""

from __future__ import annotations

import logging
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress

from tasks_app.terminal import verbs, watched
from tasks_app.terminal.arguments import parser_of
from tasks_app.terminal.exits import Ends, Exit
from tasks_app.terminal.place import server_at
from tasks_app.terminal.screens import say
from tasks_app.terminal.server import Server

VERBS: dict[str, Callable[[Server, Namespace], Exit]] = {
    "launch": verbs.launch,
    "list": watched.list_tasks,
    "show": verbs.show,
    "watch": verbs.watch,
    "logs": watched.logs,
    "cancel": verbs.cancel,
    "retry": verbs.retry,
    "rerun": verbs.rerun,
    "rm": verbs.remove,
    "restore": verbs.restore,
    "types": verbs.types,
    "pause": verbs.pause,
    "resume": verbs.pause,
}


def main(words: Sequence[str], prog: str = "manage.py tasks") -> int:
    """Do what the words of a command line say; returns the exit code. Nothing that goes wrong with server or output is a traceback."""
    _write_anything()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # in a project that logs, each request would be a line among the output
    try:
        asked = _asked(words, prog)
        with server_at(asked.url, asked.token, asked.token_file) as server:
            code = VERBS[asked.verb](server, asked)
        sys.stdout.flush()
    except Ends as error:
        say(error.sentence)
        return error.code
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # answers are taken to be what the API says they are
        say(f"The server answered what it should not: {error!r}. Is it the same version as this command?")
        return Exit.UNREACHABLE
    except KeyboardInterrupt:
        return Exit.LEFT
    except BrokenPipeError:
        _nobody_reads()
        return Exit.NO_READER
    except OSError as error:
        _nobody_reads()
        say(f"The output could not be written: {error.strerror or error}.")
        return Exit.UNWRITTEN
    except SystemExit as error:  # argparse: --help, or a sentence it has printed
        return int(error.code or 0)
    return code


def _asked(words: Sequence[str], prog: str) -> Namespace:
    """Params may stand behind options too, which argparse alone does not take."""
    parser = parser_of(prog)
    asked, more = parser.parse_known_args(words)
    if more and (asked.verb != "launch" or any(word.startswith("-") or "=" not in word for word in more)):
        parser.error(f"not known here: {' '.join(more)}")
    if more:
        asked.params = [*asked.params, *more]
    return asked


def _write_anything() -> None:
    """What the terminal's encoding does not have is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _nobody_reads() -> None:
    """Keep Python from complaining once more when it flushes stdout at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
