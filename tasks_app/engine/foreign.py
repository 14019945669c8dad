"""Tasks that run in other programs and are only watched here: what is known of them beside the record that every task has."""

from __future__ import annotations

from msgspec import Struct


class Foreign(Struct, frozen=True, kw_only=True, gc=False):
    """What was told of a task that runs elsewhere. Texts are empty, and times None, where nothing was told; times are seconds since 1970.

    `id` is its name there, `ours` whether another dashboard like this one sees it through, `at` and `rank` which word its status follows.
    """

    id: str
    ours: bool = False
    worker: str = ""
    pid: int | None = None
    queue: str = ""
    exchange: str = ""
    routing_key: str = ""
    parent: str = ""
    root: str = ""
    client: str = ""  # the process that sent it
    expires: str = ""
    eta: str = ""
    retries: int = 0
    sent_at: float | None = None
    received_at: float | None = None
    at: float = 0.0
    rank: int = 0
