"""`manage.py serve` and `manage.py runserver`: where they listen, what they refuse, and how they stop."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import socket
from pathlib import Path

import httpx
import pytest
import websockets

from tasks_app.management.commands.serve import Command
from tasks_app.tests.processes import PATIENCE, Started, free_port, started
from tasks_app.tests.test_env import manage

# Launches COUNT tasks of a type and then is the command that follows, in one process.
LAUNCH = """
import json, os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "iotask_site.settings"
import django
django.setup()
from django.core.management import execute_from_command_line
from tasks_app import runtime
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.task import Status
def launch():
    engine = runtime.get().engine
    count, type, params = json.loads(sys.argv[1])
    engine.submit_many([LaunchRequest(type=type, params=params) for _ in range(count)])
    while runtime.get().store.counts[Status.PENDING]:  # not: until so many run, as some may have ended by the time somebody looks
        time.sleep(0.01)
launch()
execute_from_command_line(["manage.py", *sys.argv[2:]])
"""
SERVE = ("serve", "-p", "0")
RUNSERVER = ("runserver", "--noreload", "0")
READY = {SERVE: "IoTask is ready at", RUNSERVER: "Listening on TCP address"}


def launching(output: Path, launched: str, *command: str, **variables: str):
    """A server with running tasks."""
    return started(output, "-c", LAUNCH, launched, *command, IOTASK_HANDLERS="tasks_app.tests.sample_tasks", **variables)


def tidy(notes: Path, count: int, seconds: float = 600) -> str:
    return f'[{count}, "tidy", {{"notes": "{notes}", "seconds": {seconds}}}]'


def answers(process: Started) -> bool:
    with socket.create_connection(("127.0.0.1", int(process.url.rpartition(":")[2])), timeout=PATIENCE) as client:
        client.sendall(b"GET /no-such-page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client.recv(12).startswith(b"HTTP/1.1 ")


def test_a_server_whose_output_nobody_reads_any_more_can_still_be_told_to_stop():
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    Command(stdout=Closed()).say("Stopping.")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", [SERVE, RUNSERVER])
def test_a_signal_stops_200_tasks_in_order_and_every_finally_runs(tmp_path, command, number):
    notes = tmp_path / "notes"
    with launching(tmp_path / "output", tidy(notes, 200), *command, IOTASK_GRACE_SECONDS="0.3") as process:
        process.wait_until(lambda: READY[command] in process.said)
        assert process.stop(number) == 0, process.said
        assert "Traceback" not in process.said
    assert notes.read_text() == "stopped\n" * 200


@pytest.mark.parametrize("command", [SERVE, RUNSERVER])
def test_tasks_that_end_within_the_grace_end_by_themselves(tmp_path, command):
    notes = tmp_path / "notes"
    with launching(tmp_path / "output", tidy(notes, 5, 2.5), *command, IOTASK_GRACE_SECONDS="600") as process:
        process.wait_until(lambda: READY[command] in process.said)
        assert process.stop() == 0
    assert notes.read_text() == "done\n" * 5


@pytest.mark.parametrize("command", [SERVE, RUNSERVER])
def test_a_second_signal_cuts_the_grace_short(tmp_path, command):
    notes = tmp_path / "notes"
    with launching(tmp_path / "output", tidy(notes, 5), *command, IOTASK_GRACE_SECONDS="600") as process:
        process.wait_until(lambda: READY[command] in process.said)
        process.process.send_signal(signal.SIGTERM)
        process.wait_until(lambda: "server_stopping" in process.said)  # two signals that a process finds when it comes to them are one
        with pytest.raises(AssertionError, match="not within"):
            process.wait_until(lambda: notes.exists(), 1)
        assert process.stop() == 0, process.said
    assert notes.read_text() == "stopped\n" * 5


def test_pages_are_answered_while_running_tasks_get_their_grace(tmp_path):
    with launching(tmp_path / "output", tidy(tmp_path / "notes", 1), *SERVE, IOTASK_GRACE_SECONDS="600") as process:
        assert answers(process)
        process.process.send_signal(signal.SIGTERM)
        process.wait_until(lambda: "Stopping" in process.said)
        assert answers(process)
        assert process.stop() == 0
        with pytest.raises(OSError, match="refused"):
            answers(process)


def test_while_it_stops_it_says_so_and_takes_no_new_work(tmp_path):
    with launching(tmp_path / "output", tidy(tmp_path / "notes", 1), *SERVE, IOTASK_GRACE_SECONDS="600") as process:
        assert httpx.get(f"{process.url}/readyz").status_code == 200
        process.process.send_signal(signal.SIGTERM)
        process.wait_until(lambda: "Stopping" in process.said)
        assert httpx.get(f"{process.url}/healthz").status_code == 200
        assert httpx.get(f"{process.url}/readyz").status_code == 503
        refused = httpx.post(f"{process.url}/api/v2/tasks", json={"type": "count"})
        assert (refused.status_code, refused.json()["code"]) == (503, "draining")
        assert int(refused.headers["Retry-After"]) > 0
        assert process.stop() == 0


def test_a_stream_of_events_that_somebody_follows_does_not_hold_up_the_stop(tmp_path):
    with (
        started(tmp_path / "output", "manage.py", "serve", "-p", "0") as process,
        httpx.stream("GET", f"{process.url}/api/v2/events", timeout=PATIENCE) as followed,
    ):
        assert followed.status_code == 200
        assert process.stop() == 0, process.said
    assert "Traceback" not in process.said


def test_garbage_is_looked_for_once_a_server_is_ready(served_process):
    made = httpx.post(f"{served_process.url}/api/v2/tasks", json={"type": "garbage"}).headers["Location"]
    served_process.wait_until(lambda: httpx.get(served_process.url + made).json()["status"] == "completed")
    assert httpx.get(served_process.url + made).json()["result"] == {"collected": True}


def test_pages_files_and_api_are_served(served):
    for path in ("/", "/launch", "/healthz", "/static/css/base.css", "/static/vendor/htmx/htmx.min.js", "/api/v2/openapi.json"):
        answer = httpx.get(served + path)
        assert answer.status_code == 200, path
        assert "server" not in answer.headers


async def read_on(client: websockets.ClientConnection) -> None:
    while True:
        await client.recv()


async def test_sockets_stay_open_while_tasks_end_and_are_told_that_the_server_restarts(tmp_path):
    with launching(tmp_path / "output", tidy(tmp_path / "notes", 1), *SERVE, IOTASK_GRACE_SECONDS="600") as process:
        address = process.url.replace("http", "ws") + "/live/tasks"
        async with websockets.connect(address, origin=process.url) as client:
            assert client.protocol.extensions == []
            process.process.send_signal(signal.SIGTERM)
            process.wait_until(lambda: "Stopping" in process.said)
            assert await client.recv()
            stopped = asyncio.get_running_loop().run_in_executor(None, process.stop)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await read_on(client)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1012
        assert await stopped == 0


def test_the_reloader_ends_tasks_of_old_code_at_once_and_lets_tasks_end_when_it_goes(tmp_path):
    notes = tmp_path / "notes"
    script = tmp_path / "launching.py"
    script.write_text(LAUNCH.replace("\nlaunch()", "\nos.environ.get('RUN_MAIN') and launch()"))
    variables = {"IOTASK_HANDLERS": "tasks_app.tests.sample_tasks", "IOTASK_GRACE_SECONDS": "600", "PYTHONPATH": "."}
    with started(tmp_path / "output", str(script), tidy(notes, 3), "runserver", str(free_port()), **variables) as process:
        process.wait_until(lambda: READY[RUNSERVER] in process.said)
        process.wait_until(lambda: script.touch() or "changed, reloading" in process.said)  # the first look at files comes late
        process.wait_until(lambda: process.said.count(READY[RUNSERVER]) == 2)
        assert notes.read_text() == "stopped\n" * 3
        process.process.send_signal(signal.SIGTERM)
        process.wait_until(lambda: process.said.count("Stopping") == 2)
        assert notes.read_text() == "stopped\n" * 3
        assert process.stop() == 0, process.said
    assert notes.read_text() == "stopped\n" * 6


def test_a_handler_that_blocks_the_loop_does_not_hold_up_the_stop_for_ever(tmp_path):
    with launching(tmp_path / "output", '[1, "block", {"seconds": 3}]', *SERVE, IOTASK_GRACE_SECONDS="0") as process:
        assert answers(process)
        assert process.stop() == 0, process.said


@pytest.mark.parametrize("command", [("serve", "--port"), ("runserver", "--noreload"), ("runserver",)])
def test_a_taken_port_is_told_in_one_sentence(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = manage(*command, str(port))
    assert done.returncode == 1
    assert done.stdout == ""
    assert (
        done.stderr == f"Port {port} on 127.0.0.1 is taken by another program: stop that one, or choose another port with --port or PORT.\n"
    )


@pytest.mark.parametrize("command", [("serve", "--host", "0.0.0.0"), ("serve", "--host", "::"), ("runserver", "0.0.0.0:0")])
def test_an_address_that_others_can_reach_is_refused(command):
    done = manage(*command)
    assert done.returncode == 2
    assert re.fullmatch(r".* can be reached from other machines, and nobody has to log in: .*\n", done.stderr)


def test_an_address_that_others_can_reach_needs_a_word(tmp_path):
    command = ("manage.py", "serve", "-p", "0", "--host", "0.0.0.0", "--i-know-this-is-open")
    with started(tmp_path / "output", *command) as process:
        assert answers(process)
        assert process.stop() == 0


@pytest.mark.parametrize(("name", "value"), [("IOTASK_TARGETS", "10.0.0.1/8"), ("IOTASK_LIMITS", "pong=3")])
def test_what_the_checks_find_is_told_in_one_sentence(name, value):
    done = manage("serve", "-p", "0", **{name: value})
    assert (done.returncode, done.stderr.count("\n"), name in done.stderr) == (2, 1, True)


def test_what_is_no_address_is_told_in_one_sentence():
    done = manage("serve", "--host", "no.such.host.invalid")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("'no.such.host.invalid' is not an address of this machine")


def test_the_port_may_come_from_the_environment_and_the_command_line_goes_before(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} on" in manage("serve", PORT=port).stderr
        with started(tmp_path / "output", "manage.py", "serve", "-p", "0", PORT=port) as process:
            assert answers(process)
            assert process.stop() == 0
