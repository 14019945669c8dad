"""Webhooks by task type, the secret that signs them, and what is refused at the start."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Theirs

from tasks_app.engine.errors import InvalidParams, SetupError
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.registry import Params, Registry, task_type
from tasks_app.engine.task import Status, Task
from tasks_app.engine.webhook import Webhook
from tasks_app.runtime import Runtime
from tasks_app.tests.webhooks.conftest import SECRET, done, launch
from tasks_app.tests.webhooks.receiver import receiver
from tasks_app.webhooks.delivery import delivery_of
from tasks_app.webhooks.hooks import Hooks, hooks_of, secret_in
from tasks_app.webhooks.line import Line
from tasks_app.webhooks.post import wanted_wait
from tasks_app.webhooks.signing import headers

ROOT = Path(__file__).parents[3]


def record(**more: Any) -> Task:
    return Task(id="a", number=1, type="ping", params=b"{}", created_at=1.0, status=Status.COMPLETED, ended_at=2.0, **more)


def registry(**declared: Any) -> Registry:
    found = Registry()

    @task_type("ping", params=Params, **declared)
    async def ping(params: Params, context: Any) -> None:
        """Pings."""

    found.register(ping)
    return found


def test_types_all_of_them_and_the_launch_each_have_a_say_and_an_address_is_told_once():
    hooks = hooks_of("ping=http://a/1, *=http://b/2,count=http://c/3", SECRET)
    assert [hook.url for hook in hooks.of(record(), registry())] == ["http://a/1", "http://b/2"]
    own = Webhook("http://b/2", "whsec_own")
    assert hooks.of(record(webhook=own), registry()) == [own, Webhook("http://a/1")]


def test_a_type_may_declare_one_and_the_settings_go_before_it():
    declared = registry(webhook="http://declared/")
    assert [hook.url for hook in Hooks({}, SECRET).of(record(), declared)] == ["http://declared/"]
    assert [hook.url for hook in hooks_of("ping=http://a/1", SECRET).of(record(), declared)] == ["http://a/1"]
    with pytest.raises(SetupError, match="webhook of 'ping'"):
        registry(webhook="ftp://declared/")


def test_the_servers_own_tasks_are_told_to_nobody():
    assert hooks_of("*=http://b/2", SECRET).of(record(), registry(launchable=False)) == []


@pytest.mark.parametrize(
    ("words", "secret", "said"),
    [
        ("ping", SECRET, "for ping: must be a URL"),
        ("Ping=http://a", SECRET, "names 'Ping'"),
        ("ping=http://a,ping=http://b", SECRET, "names 'ping'"),
        ("ping=http://user:sesame@a/", SECRET, "without a user or password"),
        ("ping=http://a", "", "IOTASK_WEBHOOK_SECRET is not"),
        ("", "sesame", "IOTASK_WEBHOOK_SECRET must be whsec_"),
        ("", "whsec_c2VzYW1l", "24 to 64 bytes"),
    ],
)
def test_what_cannot_be_meant_stops_the_start_and_shows_no_secret(words: str, secret: str, said: str):
    with pytest.raises(ValueError, match="IOTASK_WEBHOOK") as wrong:
        hooks_of(words, secret)
    assert said in str(wrong.value)
    assert "sesame" not in str(wrong.value)
    assert "c2VzYW1l" not in str(wrong.value)


def test_a_secret_may_stand_in_a_file(tmp_path: Path):
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    assert secret_in("", tmp_path / "secret") == SECRET
    with pytest.raises(ValueError, match="IOTASK_WEBHOOK_SECRET_FILE cannot be read"):
        secret_in("", tmp_path / "none")


@pytest.mark.parametrize(
    "given",
    [
        {"url": "javascript:alert(1)"},
        {"url": "http://"},
        {"url": "http://a/\n"},
        {"url": "http://a/#part"},
        {"url": "http://a:0/"},
        {"url": "http://" + 3000 * "a"},
        {"url": "http://a", "secret": "whsec_"},
        {"url": "http://a", "secret": 7},
        {"url": "http://a", "method": "PUT"},
        {},
        "http://a",
        [],
    ],
)
def test_a_launch_with_a_webhook_that_is_none_is_refused_by_field(given: Any):
    with pytest.raises(InvalidParams) as refused:
        parse_launch({"type": "count", "webhook": given})
    assert all(field.startswith("webhook") for field, _ in refused.value.problems)
    assert "whsec_" not in str(refused.value.problems).replace("must be whsec_", "")


def test_keys_that_were_used_before_there_were_webhooks_stay_what_they_were():
    plain = parse_launch({"type": "count"})
    assert b"webhook" not in plain.model_dump_json(exclude={"webhook"}).encode()
    assert plain.fingerprint() != parse_launch({"type": "count", "webhook": {"url": "http://a"}}).fingerprint()


def test_the_signature_is_that_of_the_specifications_example():
    found = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', SECRET)
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("body", ["", "{}", '{"name":"ünï \U0001f600"}', "a.b.c", "\x00\n", 100_000 * "x"])
@pytest.mark.parametrize("at", [0, 1, 1_614_265_330, 2**33])
def test_whatever_the_body_theirs_signs_it_the_same(body: str, at: int):
    theirs = Theirs(SECRET).sign("msg_1", dt.datetime.fromtimestamp(at, dt.UTC), body)
    assert headers("msg_1", float(at), body.encode(), SECRET)["webhook-signature"] == theirs


def test_retry_after_is_read_as_seconds_or_as_a_date():
    assert wanted_wait("120", 0.0) == 120
    assert wanted_wait("Thu, 01 Jan 1970 00:02:00 GMT", 20.0) == 100
    assert wanted_wait("Thu, 01 Jan 1970 00:02:00 GMT", 500.0) == 0


def test_places_go_round_among_hosts():
    line = Line(at_once=4, to_one_host=2)
    for number in range(4):
        line.add(f"a{number}", "http://a/", 1.0)
    line.add("b0", "http://b/", 1.0)
    line.add("later", "http://b/", 9.0)
    taken = [line.next(5.0) for _ in range(4)]
    assert taken == [("a0", "a"), ("b0", "b"), ("a1", "a"), None]
    line.left("a")
    assert line.next(5.0) == ("a2", "a")


def test_what_is_kept_of_a_task_has_no_secrets():
    kept = delivery_of(record(secrets=b"sesame", key=b"k"), Webhook("http://a/?key=sesame", SECRET), id="m", at=1.0, patience=1.0)
    assert (kept.task.secrets, kept.task.key) == (None, b"")


async def test_the_example_of_the_page_verifies_what_we_send(soon: Runtime):
    page = (ROOT / "docs" / "webhooks.md").read_text("utf-8")
    example: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], example)
    async with receiver() as other:
        await done(soon, launch(soon, other.url))
    given_headers, body = other.got[0]
    verified = example["verified"]
    assert verified(SECRET, given_headers, body)
    assert not verified(SECRET, given_headers, body + b" ")
    assert not verified("whsec_" + 8 * "b3du", given_headers, body)
    assert not verified(SECRET, {**given_headers, "webhook-timestamp": "1"}, body)


RUN = """
import asyncio, django, sys, time
django.setup()
from tasks_app import runtime
from tasks_app.engine.launch import parse_launch
runtime.listens("127.0.0.1", 1)
now = runtime.get()
if sys.argv[1]:
    task = now.engine.submit(parse_launch({"type": "count", "params": {"to": 1, "interval": 0}, "webhook": {"url": sys.argv[1]}}))
    while not (found := now.webhooks.of(task.id)) or not found[0].tried:
        time.sleep(0.01)
    running = now.engine.submit(parse_launch({"type": "count", "params": {"to": 99, "interval": 60}, "webhook": {"url": sys.argv[1]}}))
    while now.store.get(running.id).status != "processing":
        time.sleep(0.01)
    asyncio.run(now.engine.safe())
    print(found[0].id)
    sys.stdout.flush()
    import os
    os._exit(9)  # as if it was killed
else:
    end = time.monotonic() + 60
    while now.webhooks.shelf.pending and time.monotonic() < end:
        time.sleep(0.01)
    runtime.stop()
"""


async def test_the_next_server_tells_what_was_not_taken_when_one_was_killed_and_what_that_interrupted(tmp_path: Path):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "iotask_site.settings",
        "IOTASK_JOURNAL": str(tmp_path / "journal"),
        "IOTASK_WEBHOOK_SECRET": SECRET,
        "LOG_LEVEL": "error",
    }

    async def run(url: str) -> str:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", RUN, url, env=environment, cwd=ROOT, stdout=subprocess.PIPE)
        out, _ = await process.communicate()
        return out.decode().strip()

    async with receiver(503, 200) as other:
        delivery = await run(other.url)
        assert len(other.got) == 1
        await run("")
    again = [body for given_headers, body in other.got if given_headers["webhook-id"] == delivery]
    assert again == [other.got[0][1]] * 2
    (interrupted,) = [json.loads(body) for given_headers, body in other.got if given_headers["webhook-id"] != delivery]
    assert interrupted["type"] == "task.interrupted"
    assert interrupted["data"]["error"]["type"] == "Interrupted"
