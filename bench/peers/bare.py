"""The floor: an ASGI function that does the least a task service can. It parses a body, keeps a record, answers with it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from bench.peers import KEPT

HEADERS = [(b"content-type", b"application/json")]
_kept: dict[str, bytes] = {}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """POST makes a record of what it is given, or one of each of its `tasks`; GET /…/<id> shows one."""
    if scope["method"] == "POST":
        given = json.loads(await _body(receive))
        made = json.dumps({"ids": [_made(task) for task in given["tasks"]]}).encode() if "tasks" in given else _kept[_made(given)]
        await _answer(send, 201, made)
    else:
        found = _kept.get(scope["path"].rpartition("/")[2])
        await _answer(send, 200 if found else 404, found or b"{}")


def _made(given: dict[str, Any]) -> str:
    task_id = str(uuid.uuid4())
    _kept[task_id] = json.dumps({"id": task_id, "status": "pending", **given}).encode()
    if len(_kept) > KEPT:
        del _kept[next(iter(_kept))]
    return task_id


async def _body(receive: Any) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _answer(send: Any, status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*HEADERS, (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
