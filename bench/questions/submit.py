"""Single requests: a launch through `POST /api/v2/tasks` and through dialect 003's `POST /api/v1/tasks`, and a look at one task by `GET`,
with a login (a bearer token), metrics, the audit and logs on. Beside them, on the same uvicorn with the same options: the barest ASGI
function, and FastAPI with BackgroundTasks, both of which keep records too; on a Valkey Celery's `delay()`, and its look at a status."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx

from bench import load, places
from bench.broker import valkey
from bench.load import Load
from bench.rounds import OURS, Race, alternate

TAKES = 200
DAPHNE, BARE, FASTAPI = "IoTask under Daphne", "bare ASGI function", "FastAPI BackgroundTasks"
DELAY, STATUS = "Celery delay()", "Celery AsyncResult.status"
LAUNCH = json.dumps({"type": "noop", "params": {}})
LAUNCH_003 = json.dumps({"type": "long_computation", "params": {"duration": 0}})
NATIVE, DIALECT = "/api/v2/tasks", "/api/v1/tasks"
HALF = {BARE: 0.5}
Contestants = Mapping[str, Callable[[], float]]


def run(full: bool, folder: Path) -> list[Race]:
    """Rounds of two seconds for each."""
    rounds, seconds = (5, 2) if full else (1, 1)
    with ExitStack() as stack:
        ours = {
            OURS: stack.enter_context(places.iotask(folder / "serve", **places.LOGIN)).url,
            DAPHNE: stack.enter_context(places.on_daphne(folder / "daphne", **places.LOGIN)),
        }
        peers = {
            BARE: _launch(stack.enter_context(places.on_uvicorn(folder / "bare", "bare")), "/tasks", LAUNCH),
            FASTAPI: _launch(stack.enter_context(places.on_uvicorn(folder / "fastapi", "background")), "/tasks", LAUNCH),
        }
        native = {**{name: _launch(url, NATIVE, LAUNCH) for name, url in ours.items()}, **peers}
        dialect = {**{name: _launch(url, DIALECT, LAUNCH_003) for name, url in ours.items()}, **peers}
        celery = partial(_celery, folder, stack.enter_context(valkey(folder)), seconds)
        race = partial(_race, rounds=rounds, seconds=seconds)
        return [
            race("launches by POST /api/v2/tasks", native, {**HALF, FASTAPI: 1.2}, {DELAY: partial(celery, "delays")}),
            race("launches by POST /api/v1/tasks, dialect 003", dialect, {}, {}),
            race("looks at one task by GET /api/v2/tasks/…", _looks(native), HALF, {STATUS: partial(celery, "looks")}),
            race("looks at one task by GET /api/v1/tasks/…, dialect 003", _looks(dialect), {}, {}),
        ]


def _race(what: str, loads: Mapping[str, Load], ratios: Mapping[str, float], others: Contestants, *, rounds: int, seconds: int) -> Race:
    contestants = {name: partial(load.rate, one, seconds) for name, one in loads.items()}
    return Race(what, "a second", alternate({**contestants, **others}, rounds), ratios)


def _launch(url: str, path: str, body: str) -> Load:
    return Load(url + path, "POST", body, {**places.BEARER, "Content-Type": "application/json"})


def _looks(launches: Mapping[str, Load]) -> dict[str, Load]:
    """A look at a task that was launched the same way. It would go with the ten thousand that follow, so none does."""
    return {name: _look(launch) for name, launch in launches.items()}


def _look(launch: Load) -> Load:
    made = httpx.post(launch.url, content=launch.body, headers=dict(launch.headers)).raise_for_status().json()
    return Load(f"{launch.url}/{made['id']}", headers=places.BEARER)


def _celery(folder: Path, broker: str, seconds: int, do: str) -> float:
    variables = {"CELERY_BROKER_URL": broker, "CELERY_RESULT_BACKEND": broker}
    return places.apart(folder, "bench.peers.celery_app", do, seconds, variables=variables)
