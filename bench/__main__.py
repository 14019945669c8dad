"""`python -m bench [--quick] [--list] [QUESTION …]`: see the package."""

from __future__ import annotations

import argparse
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from bench import places, questions
from tasks_app.tests.processes import started

MOST = 25 * 60  # seconds for all of it; a question may take PATIENCE times what it usually does
PATIENCE = 3


def names() -> list[str]:
    """All questions there are."""
    return sorted(found.name for found in pkgutil.iter_modules(questions.__path__))


def takes(name: str) -> int:
    """About how long a question takes; seconds."""
    return int(import_module(f"bench.questions.{name}").TAKES)


def asked(name: str, *, full: bool, seconds: float) -> bool:
    """Ask one question in a process of its own, which ends with all it has started, and say what it said. False when it failed, or took
    longer than so many seconds."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = ("-m", "bench.ask", name, folder, *(() if full else ("--quick",)))
        with started(Path(folder) / "asked.txt", *command, **places.DJANGO) as process:
            try:
                code = process.process.wait(seconds)
            except subprocess.TimeoutExpired:
                print(f"It took longer than {seconds:,.0f} s, and was ended.")
                code = 1
        print(process.said, flush=True)
    return code == 0


def main() -> int:
    """Ask the questions that are named, or all. 1 when one could not be answered; the others are all the same."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=", ".join(names()))
    parser.add_argument("--quick", action="store_true", help="see whether it can be asked; the figures mean nothing, and are not kept")
    parser.add_argument("--list", action="store_true", help="say what there is, and how long it takes")
    given = parser.parse_args()
    if given.list:
        print("\n".join(f"{name:10} {takes(name):4} s" for name in names()))
        return 0
    if unknown := set(given.questions) - set(names()):
        parser.error(f"there is no question {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    for number in (signal.SIGTERM, signal.SIGHUP):  # as after Ctrl-C, nothing is left behind
        signal.signal(number, lambda which, _: sys.exit(128 + which))
    return _ask(given.questions or sorted(names(), key=takes), full=not given.quick)


def _ask(wanted: list[str], *, full: bool) -> int:
    began = time.monotonic()
    failed = []
    for name in wanted:
        print(f"## {name}, about {takes(name) if full else 10} s\n", flush=True)
        left = max(0.0, began + MOST - time.monotonic())
        if not asked(name, full=full, seconds=min(left, PATIENCE * takes(name))):
            failed.append(name)
    print(f"{len(wanted) - len(failed)} of {len(wanted)} questions answered in {time.monotonic() - began:,.0f} s.")
    if failed:
        print(f"Not answered: {', '.join(failed)}. Their tables are as they were.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
