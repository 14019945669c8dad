"""A thousand browsers without browsers: `python -m bench.viewers PORT COUNT SECONDS` opens so many live pages, says a line when it begins
to count, and as JSON what it found after so many seconds: how long after its `progress()` each beacon was heard of (milliseconds), how
many bytes a page got a second, how many pages were open at the end."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import time
from collections.abc import Sequence

from bench.handlers import STAMP
from soak.figures import quantile
from soak.followers import Follower, follow
from tasks_app.crowds import room_for

EACH = 10  # of so many pages one looks for beacons, all read every frame: to look costs time that others would have to wait
WARM = 3.0  # seconds before it is counted
_STAMPS = re.compile(STAMP.format(r"(\d+)").encode())


class Viewer(Follower):
    """A page that may look for the moments that beacons tell. All share `late`: seconds from such a moment to its arrival."""

    late: list[float] = []
    received = 0  # bytes
    counting = False
    _numbers = itertools.count()

    def __init__(self, path: str, port: int, headers: Sequence[str] = ()) -> None:
        super().__init__(path, port, headers)
        self._looks = next(Viewer._numbers) % EACH == 0
        self._heard_of: set[bytes] = set()

    def data_received(self, data: bytes) -> None:
        """See Follower."""
        if Viewer.counting:
            Viewer.received += len(data)
        super().data_received(data)

    def _frame(self, payload: bytes, whole: bool) -> None:
        if self._looks:
            self._look(payload, time.monotonic_ns())
        super()._frame(payload, whole)

    def _look(self, payload: bytes, now: int) -> None:
        new = set(_STAMPS.findall(payload)) - self._heard_of
        self._heard_of |= new
        if Viewer.counting:
            Viewer.late += [(now - int(said)) / 1e9 for said in new]


async def watched(port: int, count: int, seconds: float) -> dict[str, float]:
    """Open so many pages, and count for so long."""
    pages = await follow(["/live/tasks"] * count, port, kind=Viewer)
    await asyncio.sleep(WARM)
    print(json.dumps("counting"), flush=True)
    Viewer.counting = True
    await asyncio.sleep(seconds)
    Viewer.counting = False
    p50, p99 = (quantile(Viewer.late, part) * 1000 for part in (0.5, 0.99))
    there = sum(page.code is None for page in pages)
    return {"p50": p50, "p99": p99, "heard": len(Viewer.late), "bytes": Viewer.received / count / seconds, "open": there}


if __name__ == "__main__":
    room_for(int(sys.argv[2]) + 100)
    print(json.dumps(asyncio.run(watched(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))), flush=True)
    sys.stdin.read()  # whoever asked looks at what this cost, and ends it
