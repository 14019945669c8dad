"""In which order a worker tells of an attempt, without a broker."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from tasks_app.engine.task import OutcomeKind
from tasks_app.executors import voice as room
from tasks_app.executors import wire
from tasks_app.executors.celery import CeleryExecutor
from tasks_app.executors.cluster_app import app_of
from tasks_app.executors.ledger import OwnLedger
from tasks_app.executors.local import LocalExecutor
from tasks_app.executors.poison import MOST_BREAKS
from tasks_app.executors.unsaid import MOST_PASSING, Waiting
from tasks_app.executors.voice import Voice

CALL = "a-task.1"


class Slow:
    """What a handler said; whoever takes its lines is held up with them in hand."""

    call = CALL

    def __init__(self) -> None:
        self.taken, self.go_on = threading.Event(), threading.Event()

    def progress(self) -> None:
        """None."""

    def trail(self) -> list[wire.Logged]:
        """One line, once."""
        if self.taken.is_set():
            return []
        self.taken.set()
        assert self.go_on.wait(60)
        return [wire.Logged(run="r", lines=[wire.Line(0.0, "info", "the last line")])]


class NoThread(threading.Thread):
    """The mouth and the ear are not wanted here."""

    def start(self) -> None:
        """Does not."""


def test_the_last_line_of_an_attempt_goes_out_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "Thread", NoThread)
    given: Any = None
    voice, told = Voice(given, "w@h", lambda *_: None, lambda *_: None), Slow()
    voice.begin(CALL, "r", "")
    voice.listen_to(told)  # type: ignore[arg-type]

    def end() -> None:
        voice.end(CALL)
        voice.tell(wire.SETTLED, CALL, wire.Settled(run="r", kind=OutcomeKind.COMPLETED))

    mouth, pool = threading.Thread(target=voice._gather), threading.Thread(target=end)
    mouth.start()
    assert told.taken.wait(60)
    pool.start()
    pool.join(0.05)  # it could be done by now, if nothing held it up
    told.go_on.set()
    mouth.join()
    pool.join()
    assert [kind for kind, _ in said(voice)] == [wire.LOG, wire.SETTLED]


def said(voice: Voice) -> list[tuple[str, str]]:
    """Kind and call of all that it has to say, as it would say it."""
    found = []
    while (one := voice._first()) is not None:
        found.append((one.kind, one.call))
        voice._over(one)
    return found


@pytest.fixture
def voice(monkeypatch: pytest.MonkeyPatch) -> Voice:
    """One that neither speaks nor hears by itself."""
    monkeypatch.setattr(room, "Thread", NoThread)
    given: Any = None
    return Voice(given, "w@h", lambda *_: None, lambda *_: None)


def test_ends_outlast_whatever_else_waits_for_a_broker_that_is_away(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    voice.tell(wire.BEGUN, CALL, wire.Begun(run="r"))
    voice.tell(wire.SETTLED, CALL, wire.Settled(run="r", kind=OutcomeKind.COMPLETED))
    for number in range(MOST_PASSING + 5):
        voice.tell(wire.PROGRESS, "another.1", wire.Progressed(run="s", current=number))
    voice.tell(wire.SETTLED, "another.1", wire.Settled(run="s", kind=OutcomeKind.COMPLETED))
    told = said(voice)
    assert told[:2] == [(wire.BEGUN, CALL), (wire.SETTLED, CALL)]
    assert told[2:] == [(wire.PROGRESS, "another.1")] * MOST_PASSING + [(wire.SETTLED, "another.1")]
    assert "dropped: 5" in caplog.text


def test_what_comes_while_a_word_is_told_does_not_take_another_ones_place(voice: Voice) -> None:
    voice._words = Waiting(most=2)
    for number in range(2):
        voice.tell(wire.PROGRESS, f"{number}.1", wire.Progressed(run="r"))
    under_way = voice._first()
    voice.tell(wire.PROGRESS, "2.1", wire.Progressed(run="r"))  # there is no room for the first any more
    assert under_way is not None
    voice._over(under_way)
    assert [call for _, call in said(voice)] == ["1.1", "2.1"]


class Refusing:
    """A link whose broker does not take words on one call; `full` takes none at all."""

    errors = (OSError,)

    def __init__(self, full: bool = False) -> None:
        self.full = full
        self.told: list[str] = []

    def try_out(self) -> None:
        """Raises while nothing is taken."""
        if self.full:
            raise ConnectionResetError

    def tell(self, kind: str, call: str, word: Any) -> None:
        """Have it told."""
        if self.full or call == "poison.1":
            raise ConnectionResetError
        self.told.append(call)


def test_a_word_that_breaks_every_link_is_left_out_and_one_that_waits_for_the_broker_is_not(voice: Voice) -> None:
    for call in ("a.1", "poison.1", "b.1"):
        voice.tell(wire.SETTLED, call, wire.Settled(run="r", kind=OutcomeKind.COMPLETED))
    links = [Refusing(full=True) for _ in range(3 * MOST_BREAKS)] + [Refusing() for _ in range(MOST_BREAKS + 1)]
    voice._closing = True  # each link is for what waits now
    for link in links:
        with suppress(ConnectionResetError):
            voice._speak(link)  # type: ignore[arg-type]
    assert [call for link in links for call in link.told] == ["a.1", "b.1"]


class Linked:
    """A link that was made for a ledger, and whether it is open."""

    def __init__(self, *given: Any) -> None:
        self.ledger, self.is_open = OwnLedger(), True

    def close(self) -> None:
        """Let go."""
        self.is_open = False


def test_a_thread_whose_ledger_failed_does_not_take_away_the_one_another_thread_has_made_since(
    voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Linked] = []

    def link(*given: Any) -> Linked:
        made.append(Linked())
        return made[-1]

    monkeypatch.setattr(room, "Link", link)
    first, second = voice.ledger(), voice.ledger()  # of two threads
    assert first is second
    voice.drop_ledger(first)
    newer = voice.ledger()
    voice.drop_ledger(second)
    assert voice.ledger() is newer
    assert [link.is_open for link in made] == [False, True]


def test_at_the_end_what_is_left_is_said_though_the_link_breaks_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, given = [], None

    class Torn(Refusing):
        def __init__(self, *more: Any) -> None:
            super().__init__()
            self.ledger = OwnLedger()

        def tell(self, kind: str, call: str, word: Any) -> None:
            heard.append(call)
            if len(heard) == 1:
                made._closing = True  # as its process is to end
                raise ConnectionResetError

        def hold(self, tags: list[str]) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr(room, "Link", Torn)
    monkeypatch.setattr(room, "PAUSE", 0.01)
    monkeypatch.setattr(Voice, "_listen_on", lambda self: None)
    made = Voice(given, "w@h", lambda *_: None, lambda *_: None)  # type: ignore[arg-type]
    made.tell(wire.SETTLED, CALL, wire.Settled(run="r", kind=OutcomeKind.COMPLETED))
    made._mouth.join()
    assert heard == [CALL, CALL]


async def test_a_server_ends_though_handlers_hold_all_threads_of_its_loop() -> None:
    held, executor = threading.Event(), CeleryExecutor(app_of("redis://127.0.0.1:1/0"), LocalExecutor(), frozenset())
    with ThreadPoolExecutor(1) as pool:
        asyncio.get_running_loop().set_default_executor(pool)
        waiting = asyncio.get_running_loop().run_in_executor(None, held.wait)
        try:
            await asyncio.wait_for(executor.close(), 60)
        finally:
            held.set()
            await waiting
