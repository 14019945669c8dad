"""A rerun with changes: the form filled from an earlier run shows what it changes, also without a script."""

from __future__ import annotations

import re
from typing import Any

from django.test import AsyncClient

from tasks_app.engine.launch import parse_launch
from tasks_app.engine.task import Task
from tasks_app.presenters.fields import Field
from tasks_app.presenters.rerun import equal
from tasks_app.runtime import Runtime
from tasks_app.tests.web.conftest import ByHtmx, text_of, value

PARAMS = {"address": "192.0.2.44", "port": 1194, "count": 40}
FORM = {
    "params.address": "192.0.2.44",
    "params.port": "1194",
    "params.count": "40",
    "params.interval": "1",
    "params.timeout": "2",
    "params.fail_if_unreachable": "on",
    "max_attempts": "1",
}


def old(runtime: Runtime, type: str = "ping", **given: Any) -> Task:
    return runtime.engine.submit(parse_launch({"type": type, "params": PARAMS, **given}))


def was(html: str, name: str) -> str:
    """What stands beside an input that was something else."""
    (found,) = re.findall(rf'<span class="was" id="{name.replace(".", "-")}-was"[^>]*>(.*?)</span>', html, re.DOTALL)
    return text_of(found)


def aside(html: str) -> str:
    """What stands at the side about changes."""
    return text_of(html.split('id="changes"')[1].split(">", 1)[1].split("</div>\n    <div class")[0])


async def filled(client: AsyncClient, task: Task, **changed: str) -> str:
    answer = await client.get(f"/launch/{task.type}?from={task.id}")
    assert answer.status_code == 200
    return answer.content.decode()


async def test_a_fresh_form_has_changed_nothing(client: AsyncClient, runtime: Runtime) -> None:
    html = await filled(client, old(runtime, name="Oslo", tags=["edge", "vpn"]))
    assert "Nothing is changed yet" in aside(html)
    assert "As it was address, port, count, interval, timeout, fail_if_unreachable, Name, Tags" in aside(html)
    assert "Rerun as it was" in text_of(html)
    assert value(html, "params.port") == "1194"


async def test_a_launch_that_is_filled_from_nothing_speaks_of_no_changes(client: AsyncClient) -> None:
    html = (await client.get("/launch/ping")).content.decode()
    assert 'id="changes"' not in html
    assert 'class="was"' not in html


async def test_while_typing_the_page_says_what_is_changed(htmx: ByHtmx, runtime: Runtime) -> None:
    task = old(runtime)
    changed = FORM | {"from": task.id, "params.port": "443", "params.fail_if_unreachable": "", "max_attempts": "5"}
    html = (await htmx.post("/launch/ping/check", changed)).content.decode()
    assert was(html, "params.port") == "was 1194 put back"
    assert was(html, "params.fail_if_unreachable") == "was on put back"
    assert was(html, "params.count") == ""
    assert was(html, "max_attempts") == "was 1 put back"
    said = text_of(html.split('id="changes"')[1])
    assert "You changed 3" in said
    assert "port 1194 443" in said
    assert "fail_if_unreachable on off" in said
    assert "Attempts 1 5" in said


async def test_without_a_script_the_answer_to_a_wrong_form_says_what_is_changed(client: AsyncClient, runtime: Runtime) -> None:
    task = old(runtime)
    answer = await client.post("/launch/ping", FORM | {"from": task.id, "params.port": "70000"})
    assert answer.status_code == 422
    assert was(answer.content.decode(), "params.port") == "was 1194 put back"


async def test_one_value_is_put_back_or_all_of_them(client: AsyncClient, runtime: Runtime) -> None:
    task = old(runtime, name="Oslo")
    changed = FORM | {"from": task.id, "params.port": "443", "params.count": "7", "name": "Bergen"}
    html = (await client.post("/launch/ping", changed | {"back": "params.port"})).content.decode()
    assert (value(html, "params.port"), value(html, "params.count"), value(html, "name")) == ("1194", "7", "Bergen")
    html = (await client.post("/launch/ping", changed | {"back": "*"})).content.decode()
    assert (value(html, "params.port"), value(html, "params.count"), value(html, "name")) == ("1194", "40", "Oslo")
    assert "Nothing is changed yet" in aside(html)
    assert len(runtime.store) == 1  # nothing was launched


async def test_an_input_nobody_has_cannot_be_put_back(client: AsyncClient, runtime: Runtime) -> None:
    html = (await client.post("/launch/ping", FORM | {"from": old(runtime).id, "back": "idempotency_key"})).content.decode()
    assert "Nothing is changed yet" in aside(html)
    plain = await client.post("/launch/ping", FORM | {"back": "params.port"})
    assert plain.status_code == 200


async def test_as_json_the_changes_are_said_too_and_can_be_put_back(client: AsyncClient, runtime: Runtime) -> None:
    task = old(runtime)
    given = {"from": task.id, "as": "json", "params": '{"address": "192.0.2.44", "port": 443, "count": 40}', "max_attempts": "1"}
    html = (await client.post("/launch/ping/check", given)).content.decode()
    assert "port 1194 443" in text_of(html.split('id="changes"')[1])
    html = (await client.post("/launch/ping", given | {"back": "*"})).content.decode()
    assert "&quot;port&quot;: 1194" in html
    assert "Nothing is changed yet" in aside(html)


async def test_secrets_are_said_to_be_entered_again_and_are_in_no_page(client: AsyncClient, runtime: Runtime) -> None:
    secret = next(
        name for name, found in runtime.registry.get("formed").schema()["properties"].items() if found.get("format") == "password"
    )
    task = old(runtime, "formed", params={"word": "abc", secret: "hush"})
    html = await filled(client, task)
    assert f"To enter again {secret}" in aside(html)
    assert "A secret is not copied: enter it again." in text_of(html)
    assert "hush" not in html
    again = (
        await client.post("/launch/formed/check", {"from": task.id, "params.word": "abc", f"params.{secret}": "hush"})
    ).content.decode()
    assert "hush" not in again


async def test_a_rerun_as_it_was_is_one_press(client: AsyncClient, runtime: Runtime) -> None:
    task = old(runtime, name="Oslo")
    html = await filled(client, task)
    assert f'formaction="/tasks/{task.id}/rerun"' in html
    answer = await client.post(f"/tasks/{task.id}/rerun")
    assert answer.status_code == 303
    (again,) = [found for found in runtime.store.many(range(1, 10)) if found.rerun_of == task.id]
    assert (again.params, again.name) == (task.params, "Oslo")


async def test_what_was_smuggled_into_the_old_run_stays_text(client: AsyncClient, runtime: Runtime) -> None:
    task = old(runtime, name='"><script>alert(1)</script>\u202e', params={"address": "x"})
    html = (await client.post("/launch/ping/check", FORM | {"from": task.id})).content.decode()
    assert "<script>" not in html
    assert was(html, "name").startswith('was "><script>alert(1)</script>')


def test_the_same_value_in_other_words_is_no_change() -> None:
    number, whole, nested, word = (Field(name="x", label="X", kind=kind) for kind in ("number", "integer", "json", "text"))
    assert equal(number, "1", "1.0")
    assert equal(whole, "007", "7")
    assert equal(nested, '{"a": 1,"b":2}', '{"b":2, "a":1}')
    assert not equal(nested, "[" * 100_000, "[")
    assert not equal(word, "a", "a ")
    assert not equal(number, "", "0")
