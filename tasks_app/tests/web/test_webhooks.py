"""Webhooks on pages: the field in the launch form, the cards on a task's page, live, and the button that sends one again."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tasks_app.engine.query import Query
from tasks_app.engine.task import Status
from tasks_app.engine.webhook import Webhook
from tasks_app.live.window import Tick
from tasks_app.live.windows import TaskWindow
from tasks_app.presenters.deliveries import cards
from tasks_app.runtime import Runtime
from tasks_app.tests.web.conftest import problem, text_of
from tasks_app.webhooks.delivery import Delivery, State, Try, delivery_of

URL = "https://receiver.example/hook?key=sesame"


@pytest.fixture
def delivery(runtime: Runtime, launch: Any) -> Delivery:
    """One that was tried once in vain."""
    task = replace(launch(), status=Status.COMPLETED, ended_at=1_700_000_000.0)
    made = delivery_of(task, Webhook(URL), id="msg_1", at=1_700_000_000.0, patience=3600)
    tried = Try(1_700_000_000.0, 0.25, 500, "It answered 500")
    return runtime.webhooks.shelf.put(replace(made, tries=(tried,), tried=1, next_at=1_700_000_005.0))


def signs(runtime: Runtime) -> None:
    """The server has a secret of its own."""
    runtime.engine._intake._signs = True
    runtime.engine.limits = replace(runtime.engine.limits, signs=True)


def page_of(delivery: Delivery) -> str:
    return f"/tasks/{delivery.task.id}"


async def test_a_delivery_stands_on_the_page_with_its_tries_and_without_its_key(client, delivery: Delivery):
    html = (await client.get(page_of(delivery))).content.decode()
    text = text_of(html)
    for words in ("Webhooks", "Not taken yet", "1 try", "task.completed", "https://receiver.example/hook", "It answered 500", "Send again"):
        assert words in text
    assert "next try" in html
    assert "sesame" not in html


async def test_a_task_without_webhooks_has_no_such_part(client, launch):
    assert "Webhooks" not in text_of((await client.get(f"/tasks/{launch().id}")).content.decode())


async def test_a_delivery_that_changes_is_pushed_though_its_task_does_not(runtime: Runtime, delivery: Delivery):
    window = TaskWindow(runtime, delivery.task.id)
    tick = Tick(1, runtime.store.version, frozenset(), False, "")
    window.tick(tick)
    stamp = window.stamp
    window.tick(tick)
    assert window.stamp == stamp, "nothing has changed"
    runtime.webhooks.shelf.put(replace(delivery, state=State.DELIVERED, next_at=None))
    window.tick(tick)
    assert window.stamp > stamp
    assert "Delivered" in window.snapshot()


async def test_the_button_sends_it_again(client, runtime: Runtime, delivery: Delivery):
    runtime.webhooks.shelf.put(replace(delivery, state=State.FAILED, next_at=None, why="It answered 500"))
    answer = await client.post(f"{page_of(delivery)}/deliveries/msg_1/redeliver")
    assert answer.status_code == 303
    (again,) = runtime.webhooks.of(delivery.task.id)
    assert (again.state, again.id) == (State.PENDING, "msg_1")


@pytest.mark.parametrize("name", ["msg_2", "<script>", "x" * 5000, "%00"])
async def test_one_that_is_not_there_is_said_in_a_sentence(client, delivery: Delivery, name: str):
    answer = await client.post(f"{page_of(delivery)}/deliveries/{name}/redeliver")
    assert answer.status_code == 404
    assert "<script>" not in answer.content.decode()


async def test_the_form_asks_for_one(client, runtime: Runtime):
    signs(runtime)
    answer = await client.post("/launch/count", {"params.to": "3", "webhook": f" {URL} "})
    assert answer.status_code == 303
    (task,) = runtime.store.page(Query(), 10).items
    assert task.webhook == Webhook(URL)


async def test_what_is_no_address_is_said_beside_the_field(client):
    html = (await client.post("/launch/count", {"params.to": "3", "webhook": "ftp://x"})).content.decode()
    assert "must be a URL" in problem(html, "webhook")
    assert 'value="ftp://x"' in html


async def test_without_a_secret_of_the_servers_the_form_says_so(client, runtime: Runtime):
    runtime.engine._intake._signs = False
    html = (await client.post("/launch/count", {"params.to": "3", "webhook": URL})).content.decode()
    assert "this server has no secret of its own" in text_of(html)


async def test_a_rerun_does_not_show_a_key_of_an_address(client, runtime: Runtime, launch):
    signs(runtime)
    keyed, plain = launch(webhook={"url": URL}), launch(webhook={"url": "https://plain.example/hook"})
    assert "sesame" not in (await client.get(f"/launch/count?from={keyed.id}")).content.decode()
    assert "https://plain.example/hook" in (await client.get(f"/launch/count?from={plain.id}")).content.decode()
    assert runtime.engine.rerun(keyed.id).webhook == Webhook(URL)


async def test_a_schedule_keeps_its_webhook(client, runtime: Runtime):
    signs(runtime)
    form = {"params.to": "3", "webhook": URL, "cron": "0 3 * * *", "timezone": "UTC", "missed": "once"}
    assert (await client.post("/schedules/new/count", form)).status_code == 303
    (made,) = runtime.schedules.all()
    assert made.webhook == Webhook(URL)
    assert runtime.schedules.run_now(made.id).webhook == Webhook(URL)
    shown = (await client.get(f"/schedules/{made.id}")).content.decode()
    assert "https://receiver.example/hook" in shown
    assert "sesame" not in shown


def test_hostile_words_of_others_are_text(delivery: Delivery):
    hostile = replace(delivery, hook=Webhook("https://a/<script>"), tries=(Try(1.0, 0.1, None, "\u202e<b>"),))
    (card,) = cards([hostile])
    assert card.url == "https://a/<script>"
    assert card.lines[0].said == "\u202e<b>"
