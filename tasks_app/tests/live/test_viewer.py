"""A viewer sends at most what the browser can take, and never an old word."""

from __future__ import annotations

import asyncio
import json

from tasks_app.live.viewer import CREDIT, Viewer
from tasks_app.live.window import Seen


class CountingWindow:
    """A window that only counts."""

    def __init__(self) -> None:
        self.version = 1
        self.stamp = 0
        self.order: tuple[str, ...] = ("a", "b")
        self.numbers = frozenset({1, 2})

    @property
    def seen(self) -> Seen:
        return Seen(self.version, self.stamp, self.order)

    def change(self) -> None:
        self.version += 1
        self.stamp += 1

    def tick(self, tick: object) -> None:
        """Changes by `change` alone."""

    def snapshot(self) -> str:
        return json.dumps({"snapshot": True, "version": self.version})

    def delta(self, seen: Seen) -> str:
        return json.dumps({"base": seen.version, "version": self.version})


class Wire:
    """Takes frames, or does not."""

    def __init__(self) -> None:
        self.sent: list[dict[str, object]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, text: str) -> None:
        await self.open.wait()
        self.sent.append(json.loads(text))


async def _turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_first_frame_is_a_snapshot_and_the_next_builds_on_it() -> None:
    wire, window = Wire(), CountingWindow()
    viewer = Viewer(wire.send, str)
    sender = asyncio.create_task(viewer.send_forever())
    viewer.offer(window)
    await _turns()
    window.change()
    viewer.offer(window)
    await _turns()
    sender.cancel()
    assert wire.sent == [{"snapshot": True, "version": 1}, {"base": 1, "version": 2}]


async def test_a_browser_that_acknowledges_nothing_gets_no_more_than_its_credit_and_then_one_frame_with_all_it_missed() -> None:
    wire, window = Wire(), CountingWindow()
    viewer = Viewer(wire.send, str)
    sender = asyncio.create_task(viewer.send_forever())
    for _ in range(50):
        window.change()
        viewer.offer(window)
        await _turns()
    assert len(wire.sent) == CREDIT
    viewer.acknowledge(10_000)
    viewer.offer(window)
    await _turns()
    sender.cancel()
    assert len(wire.sent) == CREDIT + 1
    assert wire.sent[-1]["version"] == window.version
    assert wire.sent[-1]["base"] == wire.sent[-2]["version"]


async def test_a_socket_that_does_not_take_frames_holds_one_and_goes_on_with_the_newest() -> None:
    wire, window = Wire(), CountingWindow()
    viewer = Viewer(wire.send, str)
    sender = asyncio.create_task(viewer.send_forever())
    viewer.offer(window)
    await _turns()
    wire.open.clear()
    for _ in range(20):
        window.change()
        viewer.offer(window)
        await _turns()
    wire.open.set()
    await _turns()
    viewer.offer(window)
    await _turns()
    sender.cancel()
    assert [frame["version"] for frame in wire.sent] == [1, 2, 21]


async def test_a_quiet_window_gets_a_heartbeat_that_costs_no_credit() -> None:
    wire, window = Wire(), CountingWindow()
    viewer = Viewer(wire.send, lambda version: json.dumps({"heartbeat": version}))
    sender = asyncio.create_task(viewer.send_forever())
    viewer.offer(window)
    await _turns()
    for _ in range(3 * CREDIT):
        viewer._last -= 10.0  # time passes
        viewer.offer(window)
        await _turns()
    sender.cancel()
    assert wire.sent[1:] == [{"heartbeat": 1}] * (3 * CREDIT)


async def test_what_can_be_pushed_does_not_wait_for_its_turn_and_what_cannot_is_kept_until_it_is_sent() -> None:
    wire, window = Wire(), CountingWindow()
    pushed: list[dict[str, object]] = []
    takes = True

    def push(text: str) -> bool:
        pushed.extend([json.loads(text)] if takes else [])
        return takes

    viewer = Viewer(wire.send, str, push)
    sender = asyncio.create_task(viewer.send_forever())
    viewer.offer(window)
    assert pushed == [{"snapshot": True, "version": 1}]
    takes = False
    window.change()
    viewer.offer(window)
    takes = True
    window.change()
    viewer.offer(window)  # what is kept goes first
    await _turns()
    viewer.offer(window)
    sender.cancel()
    assert wire.sent == [{"base": 1, "version": 2}]
    assert pushed[1:] == [{"base": 2, "version": 3}]
