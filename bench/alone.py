"""IoTask's engine without a server: `python -m bench.alone COUNT many|each` says how many no-op tasks a second it takes from submit to
completed, submitted at once or one by one."""

from __future__ import annotations

import sys
import time

from bench import handlers
from tasks_app.conf import config_of
from tasks_app.engine.launch import parse_launch
from tasks_app.runtime import Runtime

WARM = 2_000


def rate(count: int, *, at_once: bool) -> float:
    """Tasks a second, from the first submit to the last end. The engine is warm: it has done WARM before."""
    runtime = Runtime(config_of({"handlers": [handlers.MODULE], "limits": {"noop": 1000}, "max_waiting": 1_000_000}))
    runtime.start()
    try:
        done(runtime, WARM)
        began = time.perf_counter()
        done(runtime, count, at_once=at_once)
        return count / (time.perf_counter() - began)
    finally:
        runtime.stop()


def done(runtime: Runtime, count: int, *, at_once: bool = True) -> None:
    """Submit so many, and wait until they have ended."""
    before = _ended(runtime)
    if at_once:
        runtime.engine.submit_many([parse_launch({"type": "noop"}) for _ in range(count)])
    else:
        for _ in range(count):
            runtime.engine.submit(parse_launch({"type": "noop"}))
    while _ended(runtime) - before < count:
        time.sleep(0.002)


def _ended(runtime: Runtime) -> int:
    return runtime.engine.stats.totals["noop", "completed"]


if __name__ == "__main__":
    print(rate(int(sys.argv[1]), at_once=sys.argv[2] == "many"))
