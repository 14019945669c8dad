"""A broker that is not there, at the start or later: the server runs, says so everywhere, and goes on by itself."""

from __future__ import annotations

import json
import re
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tasks_app.tests.dialects.talk import Talk, speaking
from tasks_app.tests.kafka.broker import Broker, Way, counted, job, marks, until
from tasks_app.tests.kafka.broker import broker as another_broker
from tasks_app.tests.processes import PATIENCE, started


@pytest.fixture
def way() -> Iterator[Way]:
    """A way to a broker that leads nowhere yet."""
    found = Way()
    yield found
    found.close()


def ready(talk: Talk) -> bool:
    return talk.ask("GET /readyz").status == 200


def notice(talk: Talk) -> str:
    """What a page that is open is told, by its socket."""
    with connect(f"ws://{talk.host}:{talk.port}/live/tasks", origin=Origin(talk.url)) as page:
        text: str = json.loads(page.recv(PATIENCE))["notice"]["text"]
        return text


def test_a_broker_that_is_down_at_the_start_and_goes_later_is_told_everywhere_and_found_again(way: Way, tmp_path) -> None:
    sentence = f"Kafka at {way.address} cannot be reached: jobs from there wait."
    with speaking(tmp_path, "-kh", way.address) as talk:
        until(lambda: not ready(talk))
        assert talk.ask("GET /readyz").json["detail"] == sentence
        assert sentence in talk.ask("GET /").body.decode()
        assert notice(talk) == sentence
        assert re.search(r"^iotask_ready 0\.0$", talk.ask("GET /metrics").body.decode(), re.MULTILINE)
        assert talk.ask("POST /api/v2/tasks", b'{"type":"count"}', {"Content-Type": "application/json"}).status == 201, "the rest goes on"
        names: list[str] = []
        for number in (1, 2):
            with another_broker() as broker:
                broker.put(job(f"of broker {number}"))
                way.open(broker.port)
                until(lambda: ready(talk))
                assert sentence not in talk.ask("GET /").body.decode()
                until(lambda: counted(talk)["taken"] > len(names))
                names.append(f"of broker {number}")
                assert notice(talk) == ""
                way.close()
            until(lambda: not ready(talk))
        assert marks(talk) == names
    said = (tmp_path / "output").read_text()
    assert said.count("kafka_lost") == 3, "once for each time, however often it tried"
    assert said.count("kafka_found") == 2


def test_a_post_without_a_broker_is_a_500_in_the_envelope_within_seconds(way: Way, tmp_path) -> None:
    with speaking(tmp_path, "-kh", way.address) as talk:
        answer = talk.ask("POST /job")
        assert (answer.status, answer.header("Location")) == (500, None)
        assert re.fullmatch(
            rf'\{{"Status":500,"Data":\{{"errors":"Kafka at {way.address} did not take the message: [^"]+"\}}\}}', answer.body.decode()
        )
        assert talk.ask("GET /job/all").body == b'{"Status":200,"Data":{"tasks":[]}}'


@contextmanager
def connect_and_post(talk: Talk) -> Iterator[socket.socket]:
    """A connection on which a POST waits for its answer."""
    with socket.create_connection((talk.host, talk.port), timeout=60) as waiting:
        waiting.sendall(b"POST /job HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        yield waiting


def test_the_dashboard_answers_while_a_post_waits_for_the_broker(way: Way, tmp_path) -> None:
    with speaking(tmp_path, "-kh", way.address) as talk:
        for _ in range(5):  # a machine may stand still between the two
            with connect_and_post(talk) as waiting:
                assert talk.ask("GET /healthz").status == 200
                waits = not select.select([waiting], [], [], 0)[0]
                assert waiting.recv(12) == b"HTTP/1.1 500"
            if waits:
                return
    raise AssertionError("the POST was always answered first")


def test_a_stop_with_a_broker_that_hangs_is_still_an_orderly_one(broker: Broker, tmp_path) -> None:
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", "-kh", broker.address, IOTASK_GRACE_SECONDS="0.5") as process:
        talk = Talk(process.url)
        broker.put(job("a"))
        until(lambda: counted(talk).get("taken") == 1)
        broker.process.send_signal(signal.SIGSTOP)
        assert process.stop() == 0, process.said
        assert "Traceback" not in process.said


def test_a_stop_with_a_broker_that_never_was_is_quick(way: Way, tmp_path) -> None:
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", "-kh", way.address, IOTASK_GRACE_SECONDS="0.5") as process:
        assert process.url
        assert process.stop() == 0, process.said
