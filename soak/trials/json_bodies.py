"""JSONTestSuite's 318 texts, as bodies of the API, in the form and as messages of a socket, and made-up bodies: the server never fails."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote_from_bytes

import httpx
import websockets
from websockets.typing import Origin

from soak.bodies import made_up
from soak.figures import Figure
from soak.server import Server, serving
from tasks_app.tests.json_suite import known, suite

SEED = 20_260
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html,application/xhtml+xml"}


async def run(full: bool, folder: Path) -> list[Figure]:
    """The suite at each door, then the made-up ones."""
    with serving(folder, IOTASK_TARGETS="192.0.2.1:9") as server:  # nothing that is launched by chance dials anybody
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            figures = [*await _as_bodies(client), *await _in_the_form(client), *await _as_messages(server)]
            return figures + await _made_up(client, 10_000 if full else 500)


async def _as_bodies(client: httpx.AsyncClient) -> list[Figure]:
    answers = {name: await client.post("/api/v2/tasks/bulk", content=body, headers=JSON) for name, body in suite().items()}
    bad = sum(answer.status_code == 400 for name, answer in answers.items() if name.startswith("n_"))
    rest = {name: f"{answer.status_code} {answer.json()['code']}" for name, answer in answers.items() if not name.startswith("n_")}
    same = sum(known()[name] == found for name, found in rest.items())
    return [
        Figure("texts that are no JSON, as bodies: answered with 400", "188 of 188", f"{bad} of 188", bad == 188),
        Figure("texts that are JSON or may be, as bodies: answered as ever", "130 of 130", f"{same} of 130", same == 130),
        _failures("as bodies", Counter(answer.status_code for answer in answers.values())),
    ]


async def _in_the_form(client: httpx.AsyncClient) -> list[Figure]:
    page = await client.get("/launch/count", headers=FORM)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token is not None, page.text
    client.headers["Origin"] = str(client.base_url).rstrip("/")
    statuses: Counter[int] = Counter()
    for body in suite().values():
        content = f"csrfmiddlewaretoken={token[1]}&as=json&params={quote_from_bytes(body[:20_000])}"
        statuses[(await client.post("/launch/count/check", content=content, headers=FORM)).status_code] += 1
    return [_failures("in the form", statuses)]


async def _as_messages(server: Server) -> list[Figure]:
    """Each in a socket of its own, as text where it is text."""
    ends: Counter[int] = Counter()
    for body in suite().values():
        address = f"ws://127.0.0.1:{server.port}/live/tasks"
        async with websockets.connect(address, origin=Origin(server.url)) as socket:
            try:
                await socket.send(body[:60_000].decode())
            except UnicodeError:
                await socket.send(body)
            await socket.close()
        ends[socket.protocol.close_code or 0] += 1
    failed = ends[1011] + ends[1006]
    return [Figure("the suite as messages of a socket: ends that say the server failed", "0", f"{failed} of {ends.total()}", failed == 0)]


async def _made_up(client: httpx.AsyncClient, count: int) -> list[Figure]:
    asking = asyncio.Semaphore(8)

    async def ask(method: str, path: str, body: bytes) -> int:
        async with asking:
            return (await client.request(method, path, content=body, headers=JSON)).status_code

    statuses = Counter(await asyncio.gather(*(ask(*one) for one in made_up(count, SEED))))
    refused = sum(count for status, count in statuses.items() if 400 <= status < 500)
    return [
        _failures(f"{count:,} made-up bodies", statuses),
        Figure(f"{count:,} made-up bodies: some are accepted, some refused", "both", _said(statuses), 0 < refused < statuses.total()),
    ]


def _failures(what: str, statuses: Mapping[int, int]) -> Figure:
    failed = sum(count for status, count in statuses.items() if status >= 500)
    return Figure(f"{what}: answers of 5xx", "0", f"{failed} of {sum(statuses.values()):,}", failed == 0)


def _said(statuses: Mapping[int, int]) -> str:
    return ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items()))
