"""Who is pinged: so many ports of this machine, each noting when it was dialled. `python -m bench.listener COUNT` says the ports as JSON,
then, once stdin ends, how many probes came and how late they were: milliseconds beyond the pace that each port's own probes have, of all of
them and of those in between, without the first and the last few of each port."""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from soak.figures import quantile
from tasks_app.crowds import room_for

INTERVAL = 1.0  # seconds between the probes of a ping
FIRST, LAST = 5, 3  # probes of each ping that come while others begin, and while they end
Sockets = Mapping[int, socket.socket]  # by descriptor


def listening(count: int) -> dict[int, socket.socket]:
    """So many, each on a port of its own."""
    room_for(count + 100)
    found = [socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(count)]
    return {one.fileno(): one for one in found}


def noted(sockets: Sockets, until: int) -> dict[int, list[float]]:
    """When each was dialled, by descriptor, until there is something to read from `until`; seconds."""
    times: dict[int, list[float]] = defaultdict(list)
    with select.epoll() as looked:
        for number in (*sockets, until):
            looked.register(number, select.EPOLLIN)
        while True:
            for number, _ in looked.poll():
                if number == until:
                    return times
                sockets[number].accept()[0].close()
                times[number].append(time.monotonic())


def late(times: Sequence[float]) -> list[float]:
    """How much later than at its port's own pace each probe came, in seconds; the one that came earliest is on time."""
    offsets = [moment - place * INTERVAL for place, moment in enumerate(times)]
    return [offset - min(offsets) for offset in offsets]


def main() -> None:
    """See the module."""
    sockets = listening(int(sys.argv[1]))
    print(json.dumps([one.getsockname()[1] for one in sockets.values()]), flush=True)
    found = [late(times) for times in noted(sockets, sys.stdin.fileno()).values()]
    everything, between = flat(found), flat([times[FIRST:-LAST] for times in found])
    said = {"probes": len(everything), "all": quantile(everything, 0.99), "p50": quantile(between, 0.5), "p99": quantile(between, 0.99)}
    print(json.dumps(said), flush=True)


def flat(found: Sequence[Sequence[float]]) -> list[float]:
    """Seconds in many lists as milliseconds in one."""
    return [one * 1000 for times in found for one in times]


if __name__ == "__main__":
    main()
