"""The knobs of the services this one replaces: flags of `serve` and variables. Right values take effect, wrong ones stop the start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured

from tasks_app import conf
from tasks_app.conf import choose, get_config
from tasks_app.management.commands.serve import Command, _choose
from tasks_app.tests.processes import Started, free_port, started
from tasks_app.tests.test_env import manage
from tasks_app.tests.test_serve import answers

LONG_JOBS = {"IOTASK_JOB_SECONDS": "604800", "IOTASK_HANDLERS": "tasks_app.tests.long_jobs"}


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command line says is forgotten with the test."""
    monkeypatch.setattr(conf, "_chosen", {})
    get_config.cache_clear()
    yield
    monkeypatch.undo()
    get_config.cache_clear()


def told(*flags: str) -> conf.Config:
    """The config of `serve` with these flags."""
    _choose(vars(Command().create_parser("manage.py", "serve").parse_args(list(flags))))
    return get_config()


@pytest.mark.usefixtures("chosen")
class TestConfig:
    def test_a_command_line_goes_before_the_settings(self, settings):
        settings.IOTASK = {"job_timeout": 3.0, "port": 9000}
        choose(job_timeout=0.5)
        assert (get_config().job_timeout, get_config().port) == (0.5, 9000)

    def test_what_was_chosen_stays_when_settings_change(self, settings):
        choose(job_timeout=0.5)
        settings.IOTASK = {"port": 9000}
        assert (get_config().job_timeout, get_config().port) == (0.5, 9000)

    def test_a_later_word_goes_before_an_earlier_one_and_others_stay(self):
        choose(job_timeout=0.5, job_seconds=1.0)
        choose(job_timeout=0.25)
        assert (get_config().job_timeout, get_config().job_seconds) == (0.25, 1.0)

    @pytest.mark.parametrize("wrong", [{"job_timeout": 0.0}, {"job_timeout": "1"}, {"limits": {"message": 0}}, {"no_such": 1}])
    def test_a_wrong_word_is_refused_by_name_and_changes_nothing(self, wrong):
        choose(job_seconds=1.0)
        before = get_config()
        with pytest.raises(ImproperlyConfigured, match=f"settings.IOTASK: .*{next(iter(wrong))}"):
            choose(job_seconds=2.0, **wrong)
        assert get_config() == before

    def test_no_flag_changes_nothing(self):
        before = get_config()
        assert told() == before

    def test_t_is_in_milliseconds_and_holds_for_all_tasks_jobs_included(self):
        config = told("-t", "1500")
        assert (config.task_timeout, config.job_timeout) == (1.5, 1.5)

    def test_twrk_and_rwrk_are_slots_for_first_and_for_further_tries_of_jobs(self, settings):
        settings.IOTASK = {"limits": {"ping": 7, "message": 10}, "retry_limits": {"message": 10}}
        config = told("-twrk", "3", "-rwrk", "2")
        assert (config.limits, config.retry_limits) == ({"ping": 7, "message": 3}, {"message": 2})

    def test_kh_names_a_broker(self):
        assert told("-kh", "kafka.example.org:9093").kafka == "kafka.example.org:9093"
        assert told("-kh", "localhost").kafka == "localhost"

    def test_the_long_names_say_the_same(self):
        config = told("--timeout", "1500", "--task-workers", "3", "--rerun-workers", "2", "--kafka", "localhost")
        assert (config.job_timeout, config.limits["message"], config.retry_limits["message"], config.kafka) == (1.5, 3, 2, "localhost")


WRONG_FLAGS = [
    ("-p", "-p/--port", ("x", "65536", "-1", "8080.0", "", "٣", "1" * 5000, "000000000000999999")),
    ("-t", "-t/--timeout", ("x", "0", "-1", "1.5", "604800001", "1e3", "nan", "0" * 12 + "9" * 12)),
    ("-twrk", "-twrk/--task-workers", ("x", "0", "-1", "1000001")),
    ("-rwrk", "-rwrk/--rerun-workers", ("x", "0", "-1", "2.0")),
    ("-kh", "-kh/--kafka", ("", "a b", "host:", "host:0", "host:65536", "host:x", "http://host")),
]


@pytest.mark.parametrize(("flag", "named", "value"), [(flag, named, value) for flag, named, values in WRONG_FLAGS for value in values])
def test_a_wrong_flag_is_one_sentence_that_names_it(flag, named, value, capsys):
    parser = Command().create_parser("manage.py", "serve")
    parser.called_from_command_line = True
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args([flag, value])
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said.startswith(f"manage.py serve: error: argument {named}: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(("flag", "value"), [("-p", "x"), ("-kh", "a b")])  # of those above, which are refused alike
def test_a_wrong_flag_stops_the_start(flag, value):
    done = manage("serve", flag, value)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"argument {flag}/--" in done.stderr
    assert repr(value) in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "x"),
        ("PORT", "65536"),
        ("WORKER_COUNT", "0"),
        ("WORKER_COUNT", "ten"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("LOG_MAX_BYTES", "1"),
        ("LOG_FILES", "-1"),
    ],
)
def test_a_wrong_variable_stops_the_start_with_one_sentence_that_names_it(name, value):
    done = manage("serve", "-p", "0", **{name: value})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"{name} is {value!r}; allowed: ")


def test_an_error_without_a_value_names_its_flag_too():
    done = manage("serve", "-kh")
    assert (done.returncode, done.stderr) == (2, "manage.py serve: error: argument -kh/--kafka: expected one argument\n")


# -- what they do to a server


moment = datetime.fromisoformat


def tasks(process: Started, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{process.url}/api/v2/tasks", params=query).json()["items"]
    return found


def test_the_port_of_the_flag_is_listened_on(tmp_path):
    port = free_port()
    with started(tmp_path / "output", "manage.py", "serve", "-p", str(port)) as process:
        assert process.url == f"http://127.0.0.1:{port}"
        assert answers(process)
        assert process.stop() == 0


def test_the_timeout_of_the_flag_ends_tasks_that_name_none_and_spares_those_that_do(tmp_path):
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", "-t", "300", IOTASK_GRACE_SECONDS="0") as process:
        for more in ({}, {"timeout": 600}):
            launched = {"type": "long_computation", "params": {"duration": 600}, **more}
            assert httpx.post(f"{process.url}/api/v2/tasks", json=launched).status_code == 201
        process.wait_until(lambda: bool(tasks(process, status="failed")))
        (failed,) = tasks(process, status="failed")
        assert (failed["timeout"], failed["error"]["type"]) == (0.3, "Timeout")
        assert failed["duration_seconds"] > 0.29, "a timer may be a moment early"
        process.wait_until(lambda: bool(tasks(process, status="processing")))
        (spared,) = tasks(process, status="processing")
        assert spared["timeout"] == 600
        assert process.stop() == 0


def test_as_many_jobs_run_at_once_as_there_are_slots_for_first_tries(tmp_path):
    command = ("manage.py", "serve", "-p", "0", "-t", "600000", "-twrk", "2")
    with started(tmp_path / "output", *command, **LONG_JOBS, IOTASK_GRACE_SECONDS="0") as process:
        for _ in range(5):  # a job that says nothing has three seconds
            assert httpx.post(f"{process.url}/job", content=b'{"timeout": 3600000000000}').status_code == 200
        process.wait_until(lambda: len(tasks(process, type="message", status="pending")) == 3)
        process.wait_until(lambda: len(tasks(process, type="message", status="processing")) == 2)
        assert len(tasks(process, type="message", status="pending")) == 3
        assert process.stop() == 0


def test_further_tries_of_jobs_have_slots_of_their_own(tmp_path):
    command = ("manage.py", "serve", "-p", "0", "-t", "400", "-twrk", "3", "-rwrk", "1")
    with started(tmp_path / "output", *command, **LONG_JOBS, IOTASK_GRACE_SECONDS="0") as process:
        for _ in range(3):
            assert httpx.post(f"{process.url}/job").status_code == 200
        process.wait_until(lambda: all(task["status"] == "failed" for task in tasks(process, type="message")))
        tries = [task["attempts"] for task in tasks(process, type="message")]
        assert [len(each) for each in tries] == [3, 3, 3]
        further = sorted((moment(one["started_at"]), moment(one["ended_at"])) for _, *others in tries for one in others)
        assert all(ended <= begun for (_, ended), (begun, _) in pairwise(further)), "one at a time"
        assert process.stop() == 0


def test_as_many_long_computations_run_at_once_as_the_worker_count_says(tmp_path):
    with started(tmp_path / "output", "manage.py", "serve", "-p", "0", WORKER_COUNT="2", IOTASK_GRACE_SECONDS="0") as process:
        for _ in range(4):
            answered = httpx.post(f"{process.url}/api/v1/tasks", json={"type": "long_computation", "params": {"duration": 600}})
            assert answered.status_code == 202
        process.wait_until(lambda: len(tasks(process, status="processing")) == 2)
        assert len(tasks(process, status="pending")) == 2
        assert process.stop() == 0
