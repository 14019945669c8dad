"""One client who looks at the same thing again and again, as a browser asks for it, and how long that took."""

from __future__ import annotations

import http.client
import time
from typing import NamedTuple

import psutil

from soak.figures import quantile
from soak.server import Server

HEADERS = {"Accept-Encoding": "gzip, deflate", "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"}


class Took(NamedTuple):
    """Median and p99 of some answers, from the request sent to the last byte read; milliseconds. The server took no longer."""

    median: float
    p99: float


def look(server: Server, path: str, times: int, *, apart: float = 0.0) -> Took:
    """So many looks, one after the other on one connection; `apart`: seconds from each to the next, for a reader and not an attack."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        _asked(connection, path)
        took = []
        for _ in range(times):
            took.append(_asked(connection, path))
            time.sleep(apart)
    finally:
        connection.close()
    return Took(quantile(took, 0.5) * 1000, quantile(took, 0.99) * 1000)


STARVED = "time in which the web loop wanted a processor that others had"


class Cpu:
    """Processor seconds of a process between two moments."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._began, self._before = time.perf_counter(), self._used()

    def cores(self) -> float:
        """How many processors it kept busy since."""
        return (self._used() - self._before) / (time.perf_counter() - self._began)

    def _used(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def _asked(connection: http.client.HTTPConnection, path: str) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers=HEADERS)
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - began
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
    return took
