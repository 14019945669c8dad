"""The command line, as `python manage.py` in the checkout and as `iotask` where the package is installed."""

from __future__ import annotations

import gc
import os
import signal
import sys


def main() -> None:
    """Run a command; a wrong value in the environment is one sentence and exit code 2."""
    if sys.argv[1:2] in (["serve"], ["demo"]):  # they take Ctrl-C themselves, once there is something to end in order
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until then it ends them at once: no import can swallow it
        gc.disable()  # what is loaded stays, and a fifth of the start went into looking for garbage in it; the server turns it on
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iotask_site.settings")
    if sys.argv[1:2] == ["tasks"]:
        sys.exit(_tasks(sys.argv[2:]))
    try:
        from django.core.management import execute_from_command_line  # here, so that its absence is told in a sentence

        from iotask_site.env import WrongSetting
    except ImportError as error:
        sys.exit(_missing(error))
    try:
        execute_from_command_line(sys.argv)
    except WrongSetting as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def _missing(error: ImportError) -> str:
    return (
        f"{error.name or 'A package'} is missing in this Python: after `make run` there is .venv/bin/python, which has it. "
        "Or `pip install -r requirements.txt` in a virtual environment."
    )


def _tasks(words: list[str]) -> int:
    """The terminal is a client of a running server: it starts in a fifth of the time without Django and the task types."""
    try:
        from tasks_app.terminal.main import main as terminal
    except ImportError as error:
        sys.exit(_missing(error))
    return terminal(words, f"{os.path.basename(sys.argv[0])} tasks")


def run() -> None:
    """The same, ended by Ctrl-C in whatever it was about to do, imports included."""
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
