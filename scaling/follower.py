"""A dashboard's engine with a store and all that listens to it, without pages: what follows a cluster, and how far it is behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import psutil
from msgspec import Struct

from tasks_app.cluster.cluster import Cluster
from tasks_app.conf import Config
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.pulse import Pulse
from tasks_app.engine.stats import Stats
from tasks_app.engine.store import Store
from tasks_app.executors.cluster_app import app_of

TICK = 0.25  # seconds between two looks at what is to leave


class Followed(Struct, frozen=True):
    """Events in a second that were written, how far the last were behind (seconds), how much of a core that took, bytes of memory, how many
    were dropped, and how often the connection was lost."""

    rate: float
    behind: float
    core: float
    memory: int
    dropped: int
    lost: int


class Follower:
    """Follows a broker, or is fed."""

    def __init__(self, url: str) -> None:
        clock = SystemClock()
        self.store = Store()
        self.store.listen(Stats(clock).listen)
        self.store.listen(Pulse(clock).listen)
        self.cluster = Cluster(app_of(url), self.store, clock)
        self._limits = Config()

    def tidy(self) -> None:
        """Let go of what has ended, as the engine does."""
        keep = self._limits
        self.store.retire(keep=keep.keep_finished, keep_bytes=keep.keep_bytes, most=500)


def follow(url: str, seconds: float, sent_for: float, ready: Callable[[], object]) -> Followed:
    """Follow a broker for so long, in which events come for `sent_for` seconds, and say how that went."""
    follower = Follower(url)
    told: list[float] = []
    hear, flush = follower.cluster.hear, follower.cluster.projector.flush

    def heard(event: dict[str, object]) -> None:
        stamp = event.get("timestamp")
        if isinstance(stamp, float):
            told.append(stamp)
        hear(event)

    behind: list[float] = []

    def written() -> None:
        flush()
        if told:
            behind.append(time.time() - told[0])
            told.clear()

    follower.cluster.receiver._take, follower.cluster.receiver._each_turn = heard, written
    follower.cluster.receiver.start()
    while not follower.cluster.receiver.is_connected:
        time.sleep(0.01)
    ready()
    process = psutil.Process()
    began, before, count = time.monotonic(), process.cpu_times(), follower.cluster.receiver.events
    while time.monotonic() - began < seconds:
        time.sleep(TICK)
        follower.tidy()
    took, after = time.monotonic() - began, process.cpu_times()
    follower.cluster.receiver.stop()
    follower.cluster.receiver.join(5)
    used = after.user + after.system - before.user - before.system
    last = behind[-20:] or [0.0]
    return Followed(
        rate=(follower.cluster.receiver.events - count) / sent_for,
        behind=max(last),
        core=used / took,
        memory=process.memory_info().rss,
        dropped=follower.cluster.projector.dropped + follower.cluster.projector.left_out,
        lost=follower.cluster.receiver.connects - 1,
    )


def alone(rate: float, seconds: float, workers: int) -> Followed:
    """Feed events in this process, without a broker: what the projector alone can do."""
    from scaling import crowd

    follower = Follower("memory://")
    source, process = crowd.events(workers, max(100, int(rate))), psutil.Process()
    began, before, sent, flushed = time.monotonic(), process.cpu_times(), 0, time.monotonic()
    behind = 0.0
    while (now := time.monotonic() - began) < seconds:
        for _ in range(min(500, int(now * rate) - sent)):
            follower.cluster.hear(next(source))
            sent += 1
        if time.monotonic() - flushed > 0.1:
            flushed = time.monotonic()
            follower.cluster.projector.flush()
            follower.tidy()
            behind = max(0.0, (time.monotonic() - began) - sent / rate)
        elif int(now * rate) <= sent:
            time.sleep(0.001)
    used = process.cpu_times().user + process.cpu_times().system - before.user - before.system
    return Followed(
        rate=sent / seconds,
        behind=behind,
        core=used / seconds,
        memory=process.memory_info().rss,
        dropped=follower.cluster.projector.dropped,
        lost=0,
    )


if __name__ == "__main__":
    import msgspec

    found = follow(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), lambda: print("ready", flush=True))
    print(msgspec.json.encode(found).decode(), flush=True)
