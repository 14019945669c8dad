"""The stream of changes is read wherever it is cut, and goes on after a server was away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_app.terminal.exits import Ends, Exit
from tasks_app.terminal.screens import JsonLines
from tasks_app.terminal.server import Server
from tasks_app.terminal.stream import Event, follow, read_events
from tasks_app.terminal.watching import Watch

RUNNING: dict[str, Any] = {"id": "a", "type": "count", "status": "processing", "version": 1}
DONE = {**RUNNING, "status": "completed", "version": 2}
READY = Event("ready", {"version": 1}, "e:1")
AWAY = Ends(Exit.UNREACHABLE, "away", again=True)


class Scripted:
    """A server that says what it was told to: each stream is a list of events, or an error instead of one."""

    url = "http://scripted"

    def __init__(self, *streams: list[Event] | Ends, task: Any = RUNNING) -> None:
        self.streams, self.task = list(streams), task
        self.asked: list[tuple[Any, str | None]] = []
        self.answers: list[Any] = []  # to questions, before `task` is the answer

    def get(self, path: str, **params: Any) -> Any:
        found = self.answers.pop(0) if self.answers else self.task
        if isinstance(found, Ends):
            raise found
        return found

    @contextmanager
    def stream(self, path: str, params: Any, headers: dict[str, str]) -> Iterator[Iterator[bytes]]:
        self.asked.append((params, headers.get("Last-Event-ID")))
        found = self.streams.pop(0) if self.streams else AWAY
        if isinstance(found, Ends):
            raise found
        yield iter([b"".join(_written(event) for event in found)])


def _written(event: Event) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event.id.encode(), event.name.encode(), msgspec.json.encode(event.data))


def as_server(server: Scripted) -> Any:
    """It is asked as one would be."""
    return server


def watched(server: Any, patience: float = 3.0) -> Watch:
    watch = Watch(server, JsonLines(), ["a"], sleep=lambda seconds: None)
    watch.to_the_end(patience)
    return watch


def test_a_stream_is_gone_on_with_where_it_broke():
    server = Scripted([READY, Event("task", RUNNING, "e:5")], [Event("ready", {}, "e:5"), Event("task", DONE, "e:6")])
    events = follow(as_server(server), 3.0, types=["count"], sleep=lambda seconds: None)
    heard = [next(events).name for _ in range(5)]
    events.close()
    assert heard == ["ready", "task", "lost", "ready", "task"]
    assert server.asked == [({"type": ("count",)}, None), ({"type": ("count",)}, "e:5")]


def test_a_server_that_stays_away_ends_it_once_patience_is_over():
    slept: list[float] = []
    with pytest.raises(Ends) as ended:
        list(follow(as_server(Scripted([READY])), 10.0, sleep=slept.append))
    assert (ended.value.code, sum(slept) >= 10.0, max(slept) <= 5.0) == (Exit.UNREACHABLE, True, True)


def test_a_refusal_ends_it_at_once():
    with pytest.raises(Ends, match="Log in"):
        list(follow(as_server(Scripted(Ends(Exit.REFUSED, "Log in"))), 10.0, sleep=lambda seconds: pytest.fail("it waited")))


def test_what_happened_while_nobody_answered_is_seen_afterwards():
    server = Scripted([READY], AWAY, [READY], task=DONE)
    server.answers = [RUNNING, RUNNING]
    assert watched(server).tasks == {"a": DONE}
    assert len(server.asked) == 3


def test_a_task_that_a_restart_took_along_is_gone():
    server = Scripted([READY], [Event("reset", {"version": 0}, "f:0")], task=Ends(Exit.NOT_FOUND, "There is no such task."))
    server.answers = [RUNNING, RUNNING]
    assert watched(server).tasks == {"a": None}


def test_a_question_that_fails_once_is_asked_again():
    server = Scripted([READY], [READY], task=DONE)
    server.answers = [RUNNING, AWAY]
    assert watched(server).tasks == {"a": DONE}


def test_tasks_of_others_are_not_shown(capsys: pytest.CaptureFixture[str]):
    other = {**RUNNING, "id": "b"}
    assert watched(Scripted([READY, Event("task", other, "e:2"), Event("deleted", {"id": "b"}, "e:3"), Event("task", DONE, "e:4")])).tasks[
        "a"
    ]
    assert '"b"' not in capsys.readouterr().out


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from(["task", "ready"]), st.text(), st.text("0123456789abcdef:", min_size=1)), max_size=5),
    st.lists(st.integers(1, 40), min_size=1),
)
def test_events_are_whole_however_the_bytes_are_cut(said: list[tuple[str, str, str]], sizes: list[int]):
    events = [Event(name, {"text": text}, number) for name, text, number in said]
    pieces: list[bytes] = []
    whole, at = b": still here\n\n".join([b"retry: 1000\n\n", *map(_written, events)]), 0
    while at < len(whole):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(whole[at : at + size])
        at += size
    assert list(read_events(pieces)) == events


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://localhost", "http://", "http://[::1", "", "http://a:99999"])
def test_an_address_that_is_none_is_a_sentence(url: str):
    with pytest.raises(Ends, match="is no address of a server") as ended:
        Server(url)
    assert ended.value.code == Exit.USAGE


def test_a_token_that_cannot_travel_is_a_sentence():
    with pytest.raises(Ends, match="no token has"):
        Server("http://localhost", "tökén")
