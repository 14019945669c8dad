"""A thousand live pages of one list with 50 rows in sight, while a thousand tasks make progress ten times a second: how long it takes from
`progress()` to the frame on the socket, the tick included, told by ten of the rows at moments of their own. Once more with 100,000 further
tasks that run out of sight, which must cost no more, and with three thousand pages."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from bench import places
from bench.api import api_of
from bench.beside import beside
from bench.figures import Found, at_most, told
from bench.handlers import BeaconParams
from bench.looks import STARVED, Cpu
from bench.viewers import EACH

TAKES = 160
BEACONS = 10
ROOM = {"IOTASK_MAX_SOCKETS": "10000", "IOTASK_MAX_CONNECTIONS": "20000"}


class Case(NamedTuple):
    """So many `pages`, tasks that are `moving`, and tasks `hidden` behind them; `bound` is the most that p99 may be, in milliseconds."""

    pages: int
    moving: int
    hidden: int
    bound: float

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.pages:,} pages" + (f", {self.hidden:,} tasks out of sight" if self.hidden else "")

    def words(self, seconds: int) -> float:
        """How many words of beacons those pages should hear in so many seconds that look for them."""
        apart = (BeaconParams().least + BeaconParams().most) / 2
        return BEACONS * seconds / apart * math.ceil(self.pages / EACH)


FULL = (Case(1_000, 1_000, 0, 300.0), Case(1_000, 1_000, 100_000, 300.0), Case(3_000, 1_000, 0, 500.0))
QUICK = (Case(30, 100, 200, 300.0),)


def run(full: bool, folder: Path) -> list[Found]:
    """One server for each case."""
    cases, seconds = (FULL, 20) if full else (QUICK, 3)
    return [one for case in cases for one in _run(case, seconds, folder / case.name.replace(" ", "-"))]


def _run(case: Case, seconds: int, folder: Path) -> list[Found]:
    with places.iotask(folder, **ROOM) as server, api_of(server) as api:
        for kind, count in (("sleeper", case.hidden), ("ticker", case.moving), ("beacon", BEACONS)):  # the newest are in sight
            api.launch(kind, count)
        api.all_begun()
        with beside("bench.viewers", server.port, case.pages, seconds) as viewers:
            viewers.hear()
            ours, theirs, before = Cpu(server.pid), Cpu(viewers.pid), server.starved()
            seen = viewers.hear()
            cores, reading, starved = ours.cores(), theirs.cores(), (server.starved() - before) / seconds
    if not seen["heard"]:
        raise RuntimeError(f"{case.name}: none heard of any change")
    return [
        Found(f"{case.name}: pages open at the end", f"{seen['open']:,}", "all", seen["open"] == case.pages),
        told(f"{case.name}: changes heard of", seen["heard"], f"of about {case.words(seconds):,.0f}", 0),
        told(f"{case.name}: change to frame received, p50", seen["p50"], "ms", 0),
        at_most(f"{case.name}: change to frame received, p99", seen["p99"], case.bound, "ms", 0),
        at_most(f"{case.name}: processors busy", cores, 1, "of one", 2),
        told(f"{case.name}: processors busy in the process that reads", reading, "of one", 2),
        told(f"{case.name}: {STARVED}", starved * 100, "%"),
        told(f"{case.name}: bytes a second for one page", seen["bytes"] / 1024, "KiB"),
    ]
