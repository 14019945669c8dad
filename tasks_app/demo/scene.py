"""The tasks of the demo: a full house at the start, then a new one every few seconds, some of which somebody cancels or tries again."""

from __future__ import annotations

import asyncio
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tasks_app import runtime
from tasks_app.demo.world import FILES, HOST, World, world
from tasks_app.engine.engine import Engine
from tasks_app.engine.errors import EngineError
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.query import Query
from tasks_app.engine.schedule import ScheduleRequest
from tasks_app.engine.task import Status, Task
from tasks_app.handlers import download, two_step_report
from tasks_app.handlers._egress import door

OPENING = 24  # tasks that are there when the first page opens
PAUSE = (2.0, 6.0)  # seconds between two launches
FILES_KEPT = 5
PEOPLE = ("mira", "anton", "nightly")

Idea = Callable[[World], dict[str, Any]]


def _ping(w: World) -> dict[str, Any]:
    name, tag = random.choice(
        (("Edge gateway, Frankfurt", "edge"), ("Office uplink", "office"), ("Warehouse scanners, hall B", "warehouse"))
    )
    params = {"address": HOST, "port": w.listener, "count": random.randrange(20, 240), "interval": random.choice((0.5, 1.0, 1.0))}
    return {"type": "ping", "name": name, "tags": [tag], "params": params}


def _unreachable(w: World) -> dict[str, Any]:
    params = {"address": HOST, "port": w.nobody, "count": 8, "interval": 0.5}
    return {"type": "ping", "name": "VPN concentrator, Oslo", "tags": ["edge", "vpn"], "max_attempts": 3, "params": params}


def _check(w: World) -> dict[str, Any]:
    name, path = random.choice(
        (("Status page, public", "health"), ("Checkout, twelve regions", "checkout"), ("Reports, first page", "reports"))
    )
    params = {"url": f"http://{HOST}:{w.web}/{path}", "count": random.randrange(12, 90), "interval": 1.0}
    return {"type": "http_check", "name": name, "tags": ["web"], "max_attempts": 2, "params": params}


def _download(w: World) -> dict[str, Any]:
    file = random.choice(list(FILES))
    name = {"city-2026-11.mmdb.gz": "City database, weekly", "netinst-arm64.iso": "Installer image, arm64"}.get(file, "Changelog")
    return {"type": "download", "name": name, "tags": ["mirror"], "params": {"url": f"http://{HOST}:{w.web}/files/{file}"}}


def _lookup(w: World) -> dict[str, Any]:
    params = {"name": random.choice(("example.net", "mail.example.org", "cdn.example.com")), "server": f"{HOST}:{w.names}"}
    return {"type": "dns_lookup", "name": "Name servers, all zones", "tags": ["nightly"], "params": params}


def _computation(w: World) -> dict[str, Any]:
    return {"type": "long_computation", "name": f"Batch {random.randrange(2200, 2300)}", "params": {"duration": random.randrange(20, 240)}}


def _count(w: World) -> dict[str, Any]:
    return {"type": "count", "name": "Warm-up", "params": {"to": random.choice((60, 200)), "interval": random.choice((0.25, 1.0))}}


def _primes(w: World) -> dict[str, Any]:
    return {"type": "primes", "name": "Below five million", "tags": ["cpu"], "params": {"limit": 5_000_000}}


def _message(w: World) -> dict[str, Any]:
    return {"type": "message", "name": "Greeting", "tags": ["nightly"], "timeout": 12.0, "params": {"data": "hello", "longest": 20.0}}


def _report(w: World) -> dict[str, Any]:
    return {"type": "two_step_report", "name": "Stock, both halls", "tags": ["warehouse"], "params": {"name": "stock", "pause": 15.0}}


def _double(w: World) -> dict[str, Any]:
    return {"type": "double", "name": "Twice the answer", "params": {"value": random.randrange(1, 10**9)}}


def _later(w: World) -> dict[str, Any]:
    when = datetime.now(UTC) + timedelta(minutes=random.randrange(2, 90))
    return {**_check(w), "name": "Certificate expiry sweep", "tags": ["nightly"], "priority": 5, "run_at": when}


IDEAS: dict[Idea, int] = {
    _ping: 6,
    _unreachable: 2,
    _check: 6,
    _download: 2,
    _lookup: 2,
    _computation: 4,
    _count: 3,
    _primes: 1,
    _message: 2,
    _report: 2,
    _double: 1,
    _later: 1,
}
REPEATS: tuple[tuple[str, str, Idea], ...] = (
    ("* * * * *", "UTC", _check),
    ("*/5 * * * *", "UTC", _lookup),
    ("30 3 * * 1-5", "Europe/Berlin", _download),
)


@contextmanager
def scene() -> Iterator[None]:
    """Tasks come and go until the block is left; the servers they talk to stay up that long. Files go to a folder of its own."""
    engine = runtime.get().engine
    with tempfile.TemporaryDirectory(prefix="iotask-demo-") as folder:
        download.configure(Path(folder))
        two_step_report.configure(Path(folder) / "reports")
        leave = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(_play(engine, Path(folder), leave)), name="demo", daemon=True)
        thread.start()
        try:
            yield
        finally:
            leave.set()
            thread.join()


async def _play(engine: Engine, folder: Path, leave: threading.Event) -> None:
    async with world() as ports:
        door.also(",".join(f"{HOST}:{port}" for port in ports))  # of all of this machine, only these
        for idea in [*IDEAS, *_ideas(OPENING - len(IDEAS))]:
            _launch(engine, idea(ports))
        if not runtime.get().schedules.all():  # a journal may have those of an earlier demo
            _repeat(ports)
        acting = asyncio.create_task(_act(engine, ports, folder))
        await asyncio.to_thread(leave.wait)
        acting.cancel()


async def _act(engine: Engine, ports: World, folder: Path) -> None:
    while not engine.draining:
        await asyncio.sleep(random.uniform(*PAUSE))
        random.choices((_launch_one, _cancel_one, _retry_one), (8, 1, 1))[0](engine, ports)
        await asyncio.to_thread(_keep_few, folder)


def _ideas(count: int) -> list[Idea]:
    return random.choices(list(IDEAS), list(IDEAS.values()), k=count)


def _launch_one(engine: Engine, ports: World) -> None:
    _launch(engine, _ideas(1)[0](ports))


def _cancel_one(engine: Engine, ports: World) -> None:
    task = _any(engine, Status.PROCESSING)
    if task is not None:
        _try(lambda: engine.cancel(task.id, by=random.choice(PEOPLE), reason="Not needed any more"))


def _retry_one(engine: Engine, ports: World) -> None:
    task = _any(engine, Status.FAILED)
    if task is not None:
        _try(lambda: engine.retry(task.id))


def _launch(engine: Engine, asked: dict[str, Any]) -> None:
    _try(lambda: engine.submit(LaunchRequest(**asked), by=random.choice(PEOPLE), via="demo"))


def _repeat(ports: World) -> None:
    for cron, timezone, idea in REPEATS:
        runtime.get().schedules.add(ScheduleRequest(cron=cron, timezone=timezone, task=LaunchRequest(**idea(ports))), by="nightly")


def _any(engine: Engine, status: Status) -> Task | None:
    found = engine.store.page(Query(statuses=frozenset({status})), limit=50).items
    return random.choice(found) if found else None


def _try(act: Callable[[], object]) -> None:
    try:
        act()
    except EngineError:
        return  # it ended a moment ago, or the server is stopping: there will be another


def _keep_few(folder: Path) -> None:
    """What the demo downloads is worth nothing: a long demo must not fill the disk."""
    whole = sorted((path for path in folder.iterdir() if path.suffix != ".part"), key=lambda path: path.stat().st_mtime)
    for path in whole[:-FILES_KEPT]:
        path.unlink(missing_ok=True)
