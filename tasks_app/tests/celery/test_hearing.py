"""A connection that listens is asked whether it is still heard on; what answers, or brings anything else, is left in peace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from kombu import Consumer, Queue

from tasks_app.executors import voice
from tasks_app.executors.cluster_app import app_of
from tasks_app.executors.hearing import Hearing
from tasks_app.executors.link import STOPS, Link
from tasks_app.executors.voice import Voice
from tasks_app.tests.celery import site
from tasks_app.tests.celery.line import line
from tasks_app.tests.cluster.broker import until

pytestmark = pytest.mark.files_stay("an ear that is told to end does so within a second")


@pytest.fixture
def listening(broker: site.Broker) -> Iterator[tuple[Any, Any, Any]]:
    """The line, the connection, and the channel that listens."""
    with line(broker.port) as bad, app_of(f"redis://127.0.0.1:{bad.port}/0").connection_for_read() as connection:
        channel = connection.channel()
        queue = Queue("", exchange=STOPS, durable=False, exclusive=True, auto_delete=True)
        with Consumer(channel, [queue], callbacks=[lambda *_: None], no_ack=True):
            yield bad, connection, channel


def _drained(connection: Any, channel: Any) -> bool:
    with suppress(TimeoutError):
        connection.drain_events(timeout=0.1)
    return not channel.subclient.health_check_response_counter


def test_one_on_which_nobody_says_anything_and_that_answers_is_kept(listening) -> None:
    _, connection, channel = listening
    hearing = Hearing(connection, channel)
    for _ in range(3):
        hearing.check(0)
        until(lambda: _drained(connection, channel))


def test_one_that_does_not_answer_and_brings_nothing_is_given_up(listening) -> None:
    bad, connection, channel = listening
    Hearing(connection, channel).check(0)
    until(lambda: _drained(connection, channel))  # what was said when it began to listen came over the line before that
    bad.forget(b"SUBSCRIBE")
    hearing = Hearing(connection, channel)
    hearing.check(0)
    _drained(connection, channel)
    with pytest.raises(TimeoutError):
        hearing.check(0)


def test_one_whose_answer_waits_behind_much_else_is_kept(listening) -> None:
    _, connection, channel = listening
    hearing = Hearing(connection, channel)
    hearing.check(0)
    hearing.check(1)
    with pytest.raises(TimeoutError):
        hearing.check(1)


def test_a_word_to_stop_is_heard_though_a_router_has_forgotten_the_connection_it_comes_on(
    broker: site.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ASK", "LISTEN", "PAUSE"):
        monkeypatch.setattr(voice, name, 0.2)
    heard: list[str] = []
    server = Link(app_of(broker.url), "server")
    with line(broker.port) as bad:
        worker = Voice(app_of(f"redis://127.0.0.1:{bad.port}/0"), "w@h", lambda call, stop: heard.append(call), lambda call: None)

        def is_heard(call: str) -> bool:
            server.stop(call, "cancelled", "")
            return call in heard

        until(lambda: is_heard("before"))
        bad.forget(b"SUBSCRIBE")
        until(lambda: is_heard("after"))
        worker.close()
    server.close()


def test_what_is_no_word_to_stop_holds_up_none(broker: site.Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    server = Link(app_of(broker.url), "server")
    worker = Voice(app_of(broker.url), "w@h", lambda call, stop: heard.append(call), lambda call: None)

    def is_heard(call: str) -> bool:
        server.stop(call, "cancelled", "")
        return call in heard

    until(lambda: is_heard("before"))
    monkeypatch.setattr(voice, "PAUSE", 1000.0)  # an ear that let go of its connection would hear nothing more
    server._producer.publish({"call": "odd"}, exchange=STOPS, serializer="pickle", retry=False)
    until(lambda: is_heard("after"))
    worker.close()
    server.close()
