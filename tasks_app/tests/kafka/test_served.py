"""Jobs from a topic under a real server: in order, none lost, bad messages left out, and POST through the topic."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tasks_app.tests.dialects.talk import SHORT, Exchange, Talk, speaking
from tasks_app.tests.kafka.broker import Broker, counted, job, jobs, marks, until
from tasks_app.tests.processes import PATIENCE, started

BAD = [
    b"",
    None,
    b"oops",
    b'{"timeout":3000000000,"data":"cut',
    b'{"timeout":3000000000 "data":"as in the README"}',
    b'{"timeout":3000000000,"data":"twice"}{}',
    b"[]",
    b"null",
    b'"text"',
    b"{}",
    b'{"timeout":3000000000}',
    b'{"data":"no timeout"}',
    b'{"timeout":0,"data":"x"}',
    b'{"timeout":-5,"data":"x"}',
    b'{"timeout":3e9,"data":"x"}',
    b'{"timeout":3.5,"data":"x"}',
    b'{"timeout":true,"data":"x"}',
    b'{"timeout":"3","data":"x"}',
    b'{"timeout":9223372036854775808,"data":"x"}',
    b'{"timeout":' + b"9" * 5000 + b',"data":"x"}',
    b'{"timeout":NaN,"data":"x"}',
    b'{"timeout":1,"data":null}',
    b'{"timeout":1,"data":5}',
    b'{"timeout":1,"data":["x"]}',
    b'{"timeout":1,"data":"%s"}' % (b"x" * 10_001),
    b'{"timeout":1,"data":"\xff"}',
    b"\xff\xfe\x00",
    b"[" * 60_000,
    b"x" * 900_000,
    b'\n2030-01-01 INFO task_completed forged="yes"\x1b[31m\xe2\x80\xa8',
]


class Writing(threading.Thread):
    """Writes jobs one after the other, so many seconds apart, until it was told that it is enough, and so many more."""

    def __init__(self, broker: Broker, pause: float, more: int = 0) -> None:
        super().__init__()
        self._broker, self._pause, self._more = broker, pause, more
        self._enough = threading.Event()
        self.count = 0
        self.start()

    def run(self) -> None:
        """Write."""
        more = self._more
        while not self._enough.is_set() or more:
            more -= self._enough.is_set()
            self._broker.put(job(str(self.count)))
            self.count += 1
            time.sleep(self._pause)

    def enough(self) -> None:
        """Return when the last one is written."""
        self._enough.set()
        self.join()


def test_messages_become_jobs_in_their_order_even_those_that_were_there_before(broker: Broker, tmp_path) -> None:
    broker.put(*jobs(range(150)))
    with speaking(tmp_path, "-kh", broker.address) as talk:
        until(lambda: counted(talk) == {"taken": 150, "bad": 0})
        broker.put(*jobs(range(150, 300)))
        until(lambda: counted(talk) == {"taken": 300, "bad": 0})
        assert marks(talk) == [str(number) for number in range(300)]
        until(lambda: broker.committed() == 300)
        newest = talk.ask("GET /api/v2/tasks?type=message&limit=1").json["items"][0]
        assert (newest["via"], newest["serial"], newest["timeout"], newest["max_attempts"]) == ("jobs", 299, 3.0, 3)
        talk.until("GET /job/299/status", lambda answer: answer.json["Data"]["status"] == "done")


def test_bad_messages_are_counted_logged_and_left_out(broker: Broker, tmp_path) -> None:
    for number, bad in enumerate(BAD):
        broker.put(bad, job(str(number)))
    with speaking(tmp_path, "-kh", broker.address, LOG_LEVEL="warning") as talk:
        until(lambda: counted(talk) == {"taken": len(BAD), "bad": len(BAD)})
        assert marks(talk) == [str(number) for number in range(len(BAD))]
        until(lambda: broker.committed() == 2 * len(BAD))
        until(lambda: "kafka_message_bad" in (tmp_path / "output").read_text())
    said = (tmp_path / "output").read_text()
    told = [line for line in said.splitlines() if "kafka_message_bad" in line]
    assert len(told) == 10 or "were not written" in said, "further ones are counted by the filter of repeats, ten seconds at a time"
    assert not any(line.startswith("2030") for line in said.splitlines())
    assert "\x1b" not in said
    assert max(map(len, told)) < 1000


def test_an_offset_is_never_committed_before_its_job_is_stored(broker: Broker, tmp_path) -> None:
    with speaking(tmp_path, "-kh", broker.address) as talk:
        writer = Writing(broker, 0.02)
        try:
            seen: set[int] = set()
            end = time.monotonic() + PATIENCE
            while len(seen) < 4:
                assert time.monotonic() < end, seen
                committed = broker.committed()
                assert committed <= counted(talk)["taken"]
                assert committed <= len(talk.ask("GET /job/all").json["Data"]["tasks"])
                seen.add(committed)
        finally:
            writer.enough()
        until(lambda: broker.committed() == writer.count)


def test_a_kill_in_the_middle_loses_no_job(broker: Broker, tmp_path) -> None:
    journal = {"IOTASK_JOURNAL": str(tmp_path / "journal.db"), **SHORT}
    first = started(tmp_path / "first", "manage.py", "serve", "-p", "0", "-kh", broker.address, **journal)
    with first as process:
        talk = Talk(process.url)
        broker.put(job("before"))
        until(lambda: counted(talk).get("taken"))
        writer = Writing(broker, 0.01, 50)
        try:
            process.wait_until(lambda: counted(talk)["taken"] > 100)
            process.process.send_signal(signal.SIGKILL)
            process.process.wait(PATIENCE)
        finally:
            writer.enough()
    with speaking(tmp_path, "-kh", broker.address, **journal) as talk:
        wanted = {"before", *map(str, range(writer.count))}
        until(lambda: set(marks(talk)) >= wanted)
        assert set(marks(talk)) == wanted
        assert len(marks(talk)) - len(wanted) <= 100, "more repeated than one batch"


def test_what_an_orderly_stop_left_committed_is_not_repeated(broker: Broker, tmp_path) -> None:
    broker.put(*jobs(range(40)))
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    with speaking(tmp_path / "first", "-kh", broker.address) as talk:
        until(lambda: counted(talk)["taken"] == 40)
    broker.put(*jobs(range(40, 50)))
    with speaking(tmp_path / "second", "-kh", broker.address) as talk:
        until(lambda: counted(talk)["taken"] >= 10)
        assert marks(talk) == [str(number) for number in range(40, 50)]


def test_a_full_server_leaves_messages_in_the_topic_and_goes_on_with_the_same_one(broker: Broker, tmp_path) -> None:
    with speaking(tmp_path, "-kh", broker.address, IOTASK_MAX_WAITING="5") as talk:
        with talk.paused("message"):
            broker.put(*jobs(range(130)))
            until(lambda: counted(talk)["taken"] == 5)
            until(lambda: broker.committed() == 5)
            assert "As many tasks are waiting" in talk.ask("GET /readyz").json["detail"]
            assert marks(talk) == ["0", "1", "2", "3", "4"]
        until(lambda: counted(talk)["taken"] == 130)
        assert marks(talk) == [str(number) for number in range(130)]
        until(lambda: broker.committed() == 130)


def test_a_post_goes_through_the_topic_which_it_makes(broker: Broker, tmp_path) -> None:
    with speaking(tmp_path, "-kh", broker.address) as talk:
        until(lambda: "has no topic tasks yet" in (tmp_path / "output").read_text())
        assert talk.ask("GET /readyz").status == 200
        through = {"Location": None, "Content-Type": "application/json"}
        bodies = [None, b"{oops", b'{"timeout":5,"data":"<mine>"}', b'{"timeout":0,"data":"more"}']
        for body in bodies:
            Exchange("POST /job", 200, b'{"Status":200,"Data":null}', through, body).held(talk)
        assert sorted(broker.messages(4)) == sorted(
            [
                b'{"timeout":3000000000,"data":"hello"}',
                b'{"timeout":3000000000,"data":"hello"}',
                b'{"timeout":5,"data":"\\u003cmine\\u003e"}',
                b'{"timeout":3000000000,"data":"more"}',
            ]
        )
        with ThreadPoolExecutor(20) as pool:
            burst = list(pool.map(lambda number: talk.ask("POST /job", b'{"data":"%d"}' % number), range(100)))
        assert {answer.status for answer in burst} == {200}
        until(lambda: counted(talk)["taken"] == 104)
        assert sorted(marks(talk)) == sorted(["hello", "hello", "<mine>", "more", *map(str, range(100))])
        assert [found["id"] for found in talk.ask("GET /job/all").json["Data"]["tasks"]] == list(range(104))


def test_without_a_topic_no_figures_of_one_are_shown(served: str) -> None:
    assert counted(Talk(served)) == {}


WITHOUT = """
import sys
sys.modules["confluent_kafka"] = None
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""
SETTINGS = {"DJANGO_SETTINGS_MODULE": "iotask_site.settings"}


def test_without_the_library_the_start_stops_with_the_remedy(tmp_path) -> None:
    with started(tmp_path / "output", "-c", WITHOUT, "serve", "-p", "0", "-kh", "localhost", **SETTINGS) as process:
        assert process.process.wait(60) == 1
        assert process.said.strip() == "Jobs from Kafka need a further package: pip install -r requirements-kafka.txt"


def test_without_a_topic_the_library_is_not_even_loaded(tmp_path) -> None:
    with started(tmp_path / "output", "-c", WITHOUT, "serve", "-p", "0", **SETTINGS) as process:
        assert Talk(process.url).ask("POST /job").header("Location") == "/job/0/status"
        assert process.stop() == 0


def test_a_broker_that_is_none_stops_the_start_and_is_named(tmp_path) -> None:
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", IOTASK_KAFKA="http://host:9092") as process:
        assert process.process.wait(60) == 2
        assert "IOTASK_KAFKA: 'http://host:9092' is no broker: allowed is HOST or HOST:PORT, such as localhost:9092." in process.said
        assert "Traceback" not in process.said
