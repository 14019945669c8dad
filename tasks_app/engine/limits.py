"""The bounds of an engine."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds of an engine. Times in seconds; `concurrency` and `retry_concurrency` by task type, before what the type declares;
    `timeout` of an attempt where neither the launch nor the type names one. `…_each`: of one person's tasks, None for no such bound."""

    max_running: int = 10_000
    max_waiting: int = 1_000_000
    max_running_each: int | None = None
    max_waiting_each: int | None = None
    keep_finished: int = 10_000
    keep_bytes: int = 64 * 1024 * 1024
    keep_seconds: float = 24 * 3600.0
    cancel_grace: float = 5.0
    timeout: float | None = None
    concurrency: dict[str, int] = {}
    retry_concurrency: dict[str, int] = {}
    signs: bool = True  # whether there is a secret for webhooks whose launch brings none
