"""`python -m scaling [record] [--quick]`: see the package."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
import psutil
from kombu import Connection, Exchange

from bench.broker import valkey
from scaling import crowd
from scaling.follower import Followed, alone
from scaling.record import ROOT, record

PAGE = ROOT / "docs" / "scaling.md"
BEGIN, END = "<!-- figures: python -m scaling -->", "<!-- end of figures -->"
RATES = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000)
SECONDS = 5.0
AFTER = 1.5  # seconds in which what is under way may still come
ENOUGH = 0.8  # of what was asked to be sent, and of what was sent to be written
BEHIND = 1.0  # seconds: more is falling behind
GROUP = 20  # events in a message, as workers that are busy send them


def through_broker(url: str, rate: float, workers: int, dashboards: int, seconds: float) -> tuple[float, list[Followed]]:
    """Send events through a broker to so many dashboards, each a process; how many were sent in a second, and what each says."""
    with ExitStack() as stack:
        followers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "scaling.follower", url, str(seconds + AFTER), str(seconds)],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(dashboards)
        ]
        for follower in followers:
            assert follower.stdout is not None
            follower.stdout.readline()
        sent = _send(url, rate, workers, seconds)
        return sent, [msgspec.json.decode(follower.stdout.read(), type=Followed) for follower in followers if follower.stdout is not None]


def _send(url: str, rate: float, workers: int, seconds: float) -> float:
    """What so many workers would send: groups of events on tasks, and each one's heartbeat."""
    source, beats = crowd.events(workers, max(100, int(rate))), crowd.beats(workers)
    with Connection(url) as connection:
        producer = connection.Producer(
            exchange=Exchange("celeryev", type="topic" if url.startswith("amqp") else "fanout"), serializer="json"
        )
        began, sent, beaten = time.monotonic(), 0, 0
        while (now := time.monotonic() - began) < seconds:
            while beaten < now * workers / crowd.BEAT and beaten - now * workers / crowd.BEAT < 200:
                producer.publish(next(beats), routing_key="worker.heartbeat", retry=False)
                beaten += 1
            if sent + beaten < now * rate:
                producer.publish([next(source) for _ in range(GROUP)], routing_key="task.multi", retry=False)
                sent += GROUP
            else:
                time.sleep(0.001)
    return (sent + beaten) / seconds


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scaling", description="Replay worker events at rising rates; the figures go into docs/scaling.md."
    )
    parser.add_argument("what", nargs="?", choices=("record",), help="run a server and a worker instead, and keep the events they tell")
    parser.add_argument("--quick", action="store_true", help="one rate, for a second; nothing is written")
    return parser.parse_args(given)


def main() -> int:
    """Record, or replay and write the page."""
    asked = _arguments(sys.argv[1:])
    if asked.what == "record":
        print(f"{record()} events")
        return 0
    quick = asked.quick
    load = os.getloadavg()[1]
    rates, seconds = (RATES[:1], 1.0) if quick else (RATES, SECONDS)
    rows = _alone(rates, seconds)
    with tempfile.TemporaryDirectory(prefix="scaling-") as folder, valkey(Path(folder)) as url:
        rows += _through(url, rates, seconds, quick)
    text = "\n".join(rows)
    print(text)
    if not quick:
        _write(text, load)
    return 0


HEAD = [
    "| workers | dashboards | asked | sent | written | behind | of a core, each | for an event | memory, each | dropped | cut |",
    "|" + " ---: |" * 11,
]


def _alone(rates: tuple[int, ...], seconds: float) -> list[str]:
    rows = ["### Without a broker", "", *HEAD]
    for rate in rates:
        found = alone(rate, seconds, 100)
        rows.append(_row(100, 1, rate, found.rate, [found]))
        if _falls(found, found.rate) or found.rate < ENOUGH * rate:
            break
    return [*rows, ""]


def _through(url: str, rates: tuple[int, ...], seconds: float, quick: bool) -> list[str]:
    rows = ["### Through Valkey", "", *HEAD]
    for workers, dashboards in ((10, 1),) if quick else ((10, 1), (100, 1), (1_000, 1), (100, 2), (100, 4)):
        for rate in rates:
            sent, found = through_broker(url, rate, workers, dashboards, seconds)
            rows.append(_row(workers, dashboards, rate, sent, found))
            print(rows[-1], flush=True)
            if any(_falls(one, sent) for one in found) or sent < ENOUGH * rate:
                break
    return [*rows, ""]


def _falls(found: Followed, sent: float) -> bool:
    return found.behind > BEHIND or found.dropped > 0 or found.rate < ENOUGH * sent


def _row(workers: int, dashboards: int, rate: float, sent: float, found: list[Followed]) -> str:
    worst = max(found, key=lambda one: one.behind)
    slowest = min(one.rate for one in found)
    memory = max(one.memory for one in found) / 2**20
    core, dropped, lost = max(one.core for one in found), sum(one.dropped for one in found), sum(one.lost for one in found)
    mark = " **falls behind**" if any(_falls(one, sent) for one in found) else ""
    each = max((one.core / one.rate for one in found if one.rate), default=0.0) * 1e6
    told = (
        f"{workers:,}",
        str(dashboards),
        f"{rate:,}",
        f"{sent:,.0f}",
        f"{slowest:,.0f}",
        f"{worst.behind:.2f} s{mark}",
        f"{core:.2f}",
        f"{each:.0f} µs",
        f"{memory:.0f} MB",
    )
    return f"| {' | '.join((*told, str(dropped), str(lost)))} |"


def _write(text: str, load: float) -> None:
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    day, python = datetime.datetime.now(datetime.UTC).date().isoformat(), platform.python_version()
    machine = (
        f"Taken on {day} with Python {python} on a virtual machine with {cores} cores and {memory:.0f} GB of memory, which the simulated "
        f"workers, the broker and all dashboards shared; its load over the five minutes before was {load:.1f}."
    )
    PAGE.write_text(f"{before}{BEGIN}\n\n{machine}\n\n{text}{END}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
