"""Ten thousand pings at one probe a second each, against as many ports of this machine, for half a minute: how late probes are beyond the
pace of their own ping, by the clock of who is pinged. All of them begin within a second or two and end within as much, which is more work
than their probes are: how late they are while all are under way leaves out the first five probes and the last three of each.
Meanwhile one reader asks for the list page five times a second. (Fifty times without a pause, which takes most of
the interpreter for most of a second, makes all probes of that second late, by up to 0.9 s, and the p99 of all with them.)"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import places
from bench.api import Api, api_of
from bench.beside import beside
from bench.figures import Found, at_most, told
from bench.looks import STARVED, Cpu, look

TAKES = 70
ROOM = {"IOTASK_MAX_BULK_BODY_BYTES": "33554432", "IOTASK_KEEP_MB": "1024"}


def run(full: bool, folder: Path) -> list[Found]:
    """One server, one process that is pinged."""
    count, probes = (10_000, 30) if full else (200, 12)
    with beside("bench.listener", count) as listener, places.iotask(folder, **ROOM) as server, api_of(server) as api:
        ports = listener.hear()
        look(server, "/", 5)
        before = server.sample().rss
        _launch(api, ports, probes)
        api.all_begun()
        cpu, waited = Cpu(server.pid), server.starved()
        time.sleep(probes / 2)
        cores, starved = cpu.cores(), (server.starved() - waited) / (probes / 2)
        memory = (server.sample().rss - before) / count
        took = look(server, "/", 50, apart=0.2)
        api.none_left()
        completed = api.total("completed")
        listener.finish()
        seen = listener.hear()
    return [
        told("pings that completed", completed, f"of {count:,}", 0),
        told("probes that arrived", seen["probes"], f"of {count * probes:,}", 0),
        told("probes late while all are under way, median", seen["p50"], "ms"),
        at_most("probes late while all are under way, p99", seen["p99"], 50, "ms"),
        told("probes late, begin and end included, p99", seen["all"], "ms"),
        told("processors busy", cores, "of one", 2),
        told(STARVED, starved * 100, "%"),
        told("memory of a ping", memory / 1024, "KiB", 2),
        told("list page meanwhile, median", took.median, "ms"),
        told("list page meanwhile, p99", took.p99, "ms"),
    ]


def _launch(api: Api, ports: Sequence[int], probes: int) -> None:
    each: dict[str, Any] = {"address": "127.0.0.1", "count": probes, "interval": 1.0}
    api.launch_all([{"type": "ping", "params": {**each, "port": port}} for port in ports])
