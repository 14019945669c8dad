"""`manage.py tasks VERB …`: launch, watch and end tasks of a running server from a terminal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tasks_app.terminal.main import main


class Command(BaseCommand):
    """A thin layer: everything is in tasks_app/terminal/, which needs no Django."""

    help = "Launch, watch and end tasks of a running server, through its API: `tasks --help` has the verbs."
    requires_system_checks: list[str] = []  # it is a client: what this process could not run is not its affair

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand on what was typed as it is, `--help` included."""
        sys.exit(main(argv[2:], f"{Path(argv[0]).name} tasks"))

    def add_arguments(self, parser: CommandParser) -> None:
        """For `call_command`: all words, as they would be typed."""
        parser.add_argument("words", nargs=argparse.REMAINDER)

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises SystemExit with the exit code where it is not 0."""
        if code := main(options["words"]):
            sys.exit(code)
