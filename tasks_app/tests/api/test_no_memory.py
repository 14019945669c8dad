"""A request for which there is no memory left: 503 with Retry-After at every door, and the store as it was."""

from __future__ import annotations

import httpx
import pytest

from tasks_app.runtime import Runtime


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v2/tasks", {"type": "count"}),
        ("/api/v1/tasks", {"type": "long_computation", "params": {"duration": 1}}),
        ("/tasks", {"result": 1}),
    ],
)
async def test_a_launch_without_memory_is_refused_and_the_next_one_taken(
    client: httpx.AsyncClient, now: Runtime, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, object]
) -> None:
    def fails(*args: object, **more: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(now.store, "add", fails)
        answer = await client.post(path, json=body)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True), answer.text
        assert len(now.store) == 0
    assert (await client.post(path, json=body)).status_code < 300
    assert len(now.store) == 1
