"""Celery events as they come over the wire."""

from __future__ import annotations

from typing import Any

UUID = "0f7c7d0e-6a55-4d1b-9a33-3d1f6b2f1a01"


def event(kind: str, at: float, uuid: str = UUID, **fields: Any) -> dict[str, Any]:
    """One."""
    return {"type": kind, "uuid": uuid, "timestamp": at, "hostname": "shop@here", "pid": 7, "clock": 1, "utcoffset": 0, **fields}


def sent(at: float, uuid: str = UUID, **fields: Any) -> dict[str, Any]:
    """By whoever launched it."""
    told = {"name": "shop.add", "args": "(2, 3)", "kwargs": "{}", "retries": 0, "eta": None, "expires": None, "queue": "celery"}
    return event("task-sent", at, uuid, **{**told, "hostname": "gen1@there", **fields})


def received(at: float, uuid: str = UUID, **fields: Any) -> dict[str, Any]:
    """By a worker."""
    told = {"name": "shop.add", "args": "(2, 3)", "kwargs": "{}", "retries": 0, "eta": None, "expires": None, "root_id": uuid}
    return event("task-received", at, uuid, **{**told, **fields})


def life(at: float, end: str = "task-succeeded", uuid: str = UUID) -> list[dict[str, Any]]:
    """A whole one, a second from word to word."""
    ends: dict[str, dict[str, Any]] = {
        "task-succeeded": {"result": "5", "runtime": 1.0},
        "task-failed": {"exception": "ValueError('no')", "traceback": "Traceback"},
        "task-revoked": {"terminated": True, "signum": 15, "expired": False},
    }
    return [sent(at, uuid), received(at + 1, uuid), event("task-started", at + 2, uuid), event(end, at + 3, uuid, **ends[end])]
