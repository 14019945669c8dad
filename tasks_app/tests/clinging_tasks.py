"""A module of task types with last words, and an object that nobody can take apart."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable
from pathlib import Path


class Clinging:
    """Whoever takes it apart waits for ever."""

    def __del__(self, sleep: Callable[[float], None] = time.sleep) -> None:  # by then the module's own names are gone
        while True:
            sleep(60)


clinging = Clinging()
atexit.register(lambda: Path(os.environ["LAST_WORD"]).write_text("said"))
