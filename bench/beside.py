"""A program beside the server that is measured, which speaks JSON by the line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks_app.tests.processes import ROOT


class Beside:
    """What it says, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.pid = process.pid
        self._process = process

    def hear(self) -> Any:
        """Its next line. Raises RuntimeError when it ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"it ended with {self._process.wait()}")
        return json.loads(line)

    def finish(self) -> None:
        """Tell it to come to an end: there is no more to read for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()


@contextmanager
def beside(module: str, *arguments: object) -> Iterator[Beside]:
    """Run a module of ours as a program; what is left of it at the end is killed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Beside(process)
        finally:
            process.kill()
