"""What can be typed: the verbs, and what each takes."""

from __future__ import annotations

import argparse
import math

PATIENCE = 60.0
STATUSES = ("scheduled", "pending", "processing", "retrying", "cancelling", "completed", "failed", "cancelled", "interrupted")
DESCRIPTION = "Launch, watch and end tasks of a running server, through its API."
EPILOG = """TASK is a number as 12 or #12, an id, or the first characters of one. Values: count=3, tags=a,b, note=@file, note=- for stdin.
Exit codes: 0 done (watched: completed), 1 failed, 2 wrong usage, 3 cancelled or interrupted, 4 not found, 5 no server, 6 refused,
130 Ctrl-C: a watched task goes on."""


def parser_of(prog: str) -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    form = argparse.RawDescriptionHelpFormatter
    everywhere = _common(None, json=False)
    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, epilog=EPILOG, formatter_class=form, allow_abbrev=False, parents=[everywhere]
    )
    common = _common(argparse.SUPPRESS, json=argparse.SUPPRESS)  # behind the verb as well: what stands there counts
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        return verbs.add_parser(
            name, help=text, description=text, parents=[common], epilog=EPILOG, formatter_class=form, allow_abbrev=False
        )

    _launching(verb("launch", "Launch a task."))
    _listing(verb("list", "List tasks, newest first."))
    one = verb("show", "Show a task.")
    one.add_argument("task", metavar="TASK")
    _watches(_many(verb("watch", "Watch tasks until they have ended.")))
    _log(verb("logs", "Print a task's log."))
    _many(verb("cancel", "Ask tasks to stop.")).add_argument("--force", action="store_true", help="stop those that do not stop when asked")
    _watched(_many(verb("retry", "Give failed, cancelled or interrupted tasks further attempts.")))
    _watched(_many(verb("rerun", "Launch tasks again, as new tasks.")))
    _many(verb("rm", "Delete tasks; those that run are stopped. For ten seconds they can be restored."))
    _many(verb("restore", "Bring back tasks that were deleted in the last ten seconds: by their whole ids."))
    verb("types", "List task types, or show one with its params.").add_argument("type", nargs="?", metavar="TYPE")
    for name, text in (("pause", "Start no more tasks of a type."), ("resume", "Start tasks of a type again.")):
        verb(name, text).add_argument("type", metavar="TYPE")
    return parser


def _common(default: str | None, *, json: bool | str) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    shown = "a token; better in IOTASK_TOKEN or a file, as others on this machine can see a command line"
    common.add_argument("--url", default=default, help="the server's address; default: IOTASK_URL, or http://localhost:8080")
    common.add_argument("--token", default=default, help=shown)
    common.add_argument("--token-file", default=default, metavar="FILE", help="a file whose first line is the token")
    common.add_argument("--json", action="store_true", default=json, help="for programs: JSON, a line for each task, log line or state")
    return common


def _launching(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("type", metavar="TYPE")
    parser.add_argument("params", metavar="NAME=VALUE", nargs="*")
    parser.add_argument("--params", dest="whole", metavar="JSON", help="all params as an object of JSON; @file or - as well")
    parser.add_argument("--name", help="a name of your own")
    parser.add_argument("--tag", action="append", dest="tags", metavar="TAG", help="a word to find it by; repeat it for several")
    parser.add_argument("--priority", type=int, help="higher goes first, -100 to 100")
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="what an attempt may take")
    parser.add_argument("--attempts", type=int, metavar="N", help="how often to try")
    parser.add_argument("--at", metavar="TIME", help="when to start: RFC 3339 with an offset")
    parser.add_argument("--key", metavar="TEXT", help="an idempotency key: the same again gives the first task")
    parser.add_argument("--quiet", "-q", action="store_true", help="print the id alone")
    _watched(parser)


def _listing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", metavar="WORD", nargs="*", help="as in the search box: words, and terms such as error:refused")
    parser.add_argument("--status", action="append", choices=STATUSES, metavar="STATUS", help="only these; repeat it for several")
    parser.add_argument("--type", action="append", metavar="TYPE", help="only these types; repeat it for several")
    parser.add_argument("--tag", action="append", metavar="TAG", help="only tasks with one of these tags; repeat it")
    parser.add_argument("--oldest", action="store_true", help="oldest first")
    parser.add_argument("--limit", "-n", type=_count, default=20, metavar="N", help="how many (20)")
    parser.add_argument("--watch", "-w", action="store_true", help="go on showing it as it changes, until Ctrl-C")
    _patient(parser)


def _log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("--follow", "-f", action="store_true", help="go on until the task has ended")
    parser.add_argument(
        "--level", choices=("debug", "info", "warning", "error"), default="debug", help="only lines of this level or graver"
    )
    _patient(parser)


def _many(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("tasks", metavar="TASK", nargs="+")
    return parser


def _watched(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watch", "-w", action="store_true", help="watch it until it has ended; the exit code says how")
    _watches(parser)


def _watches(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cancel-on-interrupt", action="store_true", help="Ctrl-C while watching asks the tasks to stop")
    _patient(parser)


def _patient(parser: argparse.ArgumentParser) -> None:
    text = f"how long a server that was there may be away while something is watched ({PATIENCE:g})"
    parser.add_argument("--patience", type=_seconds, default=PATIENCE, metavar="SECONDS", help=text)


def _seconds(text: str) -> float:
    found = float(text)
    if not math.isfinite(found) or found < 0:
        raise ValueError(text)
    return found


def _count(text: str) -> int:
    found = int(text)
    if not 1 <= found <= 1_000_000:
        raise ValueError(text)
    return found
