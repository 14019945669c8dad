"""What the browser's script does with frames, in Python: drops what does not follow, asks for a snapshot, acknowledges."""

from __future__ import annotations

import json
from typing import Any

from tasks_app.live.viewer import Viewer


class Row:
    """A row as it came, and the slots that were patched since."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.slots: dict[str, str] = {}

    def shows(self, slots: dict[str, str]) -> bool:
        """Whether each of these slots is what the row shows."""
        return all(self.slots[name] == html if name in self.slots else html in self.html for name, html in slots.items())


class Browser:
    """A page that shows `rows` by id in `order`."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.rows: dict[str, Row] = {}
        self.counters: dict[str, int] = {}
        self.new_count = 0
        self.frames: list[dict[str, Any]] = []
        self.asked = 0
        self.log: list[str] = []
        self._version: int | None = None
        self._epoch: str | None = None
        self.viewer: Viewer | None = None
        self.acknowledges = True

    async def receive(self, text: str) -> None:
        """Take a frame as it came."""
        frame = json.loads(text)
        self.frames.append(frame)
        if not frame.get("snapshot") and (frame["epoch"] != self._epoch or frame["base"] != self._version):
            self.asked += 1
            assert self.viewer is not None
            self.viewer.want_snapshot()
            return
        self._epoch, self._version = frame["epoch"], frame["version"]
        self._apply(frame)
        if self.acknowledges and self.viewer is not None:
            self.viewer.acknowledge(frame["version"])

    def _apply(self, frame: dict[str, Any]) -> None:
        if frame.get("snapshot"):
            self.rows = {}
        for task_id, said in frame.get("rows", {}).items():
            whole = isinstance(said, str)
            self.rows[task_id] = Row(said) if whole else self.rows.get(task_id, Row(""))
            self.rows[task_id].slots.update({} if whole else said)
        self.rows.update({task_id: Row(html) for task_id, html in frame.get("added", {}).items()})
        self.order = list(frame.get("order", self.order))
        self.counters = frame.get("counters", self.counters)
        self.new_count = frame.get("new_count", self.new_count)
        if "log" in frame:
            self.log = ([] if frame["log"].get("reset") else self.log) + [frame["log"]["html"]]
