"""Ends of tasks are told to a real server, whatever it does."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from typing import Any

import httpx
import msgspec
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tasks_app.auth.audit import audit
from tasks_app.engine.errors import InvalidValue, NotFound
from tasks_app.engine.query import Query
from tasks_app.engine.task import Status
from tasks_app.handlers._egress import door
from tasks_app.runtime import Runtime
from tasks_app.tests.scripted import LET_GO
from tasks_app.tests.webhooks.conftest import SECRET, done, ended, launch, slower, tried, until
from tasks_app.tests.webhooks.receiver import CLOSE, DRIP, HANG, HUGE, receiver
from tasks_app.webhooks.delivery import State

OWN = "whsec_" + 8 * "b3du"


async def test_the_end_of_a_task_is_posted_signed_by_the_standard_webhooks_specification(soon: Runtime):
    async with receiver() as other:
        task = launch(soon, other.url, name="ünï", tags=["a"])
        delivery = await done(soon, task)
    headers, body = other.got[0]
    told = Webhook(SECRET).verify(body, headers)  # an implementation that is not ours
    assert told["type"] == "task.completed"
    assert told["data"]["id"] == task.id
    assert told["data"]["status"] == "completed"
    assert told["data"]["name"] == "ünï"
    assert told["data"]["result"]["counted"] == 1
    assert headers["webhook-id"] == delivery.id
    assert headers["content-type"] == "application/json"
    assert (delivery.state, delivery.tried, delivery.tries[0].status) == (State.DELIVERED, 1, 204)


async def test_what_was_changed_on_the_way_or_signed_by_another_does_not_verify(soon: Runtime):
    async with receiver() as other:
        await done(soon, launch(soon, other.url, webhook={"secret": OWN}))
    headers, body = other.got[0]
    Webhook(OWN).verify(body, headers)
    for secret, said in ((SECRET, body), (OWN, body + b" ")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(said, headers)


async def test_what_is_posted_holds_no_secret_and_no_key_of_an_address(soon: Runtime):
    async with receiver() as other:
        await done(soon, launch(soon, other.url, webhook={"secret": OWN}))
    body = other.got[0][1].decode()
    assert OWN not in body
    assert "sesame" not in body
    assert json.loads(body)["data"]["webhook"] == other.url.partition("?")[0]


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (500, "It answered 500"),
        (404, "It answered 404"),
        (302, "It answered 302: redirects are not followed"),
        (HANG, "no answer within"),
        (DRIP, "no answer within"),
        (CLOSE, "hung up"),
    ],
)
async def test_a_receiver_that_fails_is_asked_again_with_the_same_id_and_body(soon: Runtime, first: int | str, said: str):
    if first in (HANG, DRIP):
        slower(soon, timeout=0.5)
    async with receiver(first, first, 200) as other:
        delivery = await done(soon, launch(soon, other.url))
        assert delivery.state is State.DELIVERED
        assert delivery.tried == 3 or (first in (HANG, DRIP) and delivery.tried > 3), "on a busy machine it may be given up once more"
    assert said in delivery.tries[0].error
    assert len({headers["webhook-id"] for headers, _ in other.got}) == 1
    assert len({body for _, body in other.got}) == 1
    for headers, body in other.got:
        Webhook(SECRET).verify(body, headers)


async def test_a_receiver_that_is_not_there_is_tried_until_its_time_is_over(soon: Runtime):
    async with receiver() as other:
        gone = other.url
    slower(soon, patience=1.0)
    delivery = await done(soon, launch(soon, gone))
    assert delivery.state is State.FAILED
    assert delivery.why == "Its time for tries is over"
    assert delivery.tried >= 1
    assert all(one.status is None and one.error for one in delivery.tries)


async def test_a_huge_answer_is_not_read(soon: Runtime):
    async with receiver(HUGE) as other:
        delivery = await done(soon, launch(soon, other.url))
    assert (delivery.state, delivery.tries[0].status) == (State.DELIVERED, 200)


async def test_gone_ends_it_at_once(soon: Runtime):
    async with receiver(410) as other:
        delivery = await done(soon, launch(soon, other.url))
    assert (delivery.state, delivery.tried) == (State.FAILED, 1)
    assert delivery.why == "The receiver said that it wants no more of these"


async def test_retry_after_is_waited_for(soon: Runtime):
    async with receiver((429, {"Retry-After": "120"}), 200) as other:
        delivery = await tried(soon, launch(soon, other.url))
    assert delivery.state is State.PENDING
    assert delivery.next_at is not None
    assert delivery.next_at - delivery.tries[0].at >= 120


@pytest.mark.parametrize("asked", ["999999999999", "Fri, 31 Dec 2099 23:59:59 GMT"])
async def test_who_asks_to_wait_longer_than_it_is_tried_is_not_told(soon: Runtime, asked: str):
    async with receiver((503, {"Retry-After": asked})) as other:
        delivery = await done(soon, launch(soon, other.url))
    assert (delivery.state, delivery.why) == (State.FAILED, "The receiver asks to wait longer than it is tried")


@pytest.mark.parametrize("asked", ["soon", "-5", "1e9", "²", "Fri, 99 Dec 2099 23:59:59 GMT", ""])
async def test_a_retry_after_that_is_none_changes_nothing(soon: Runtime, asked: str):
    async with receiver((503, {"Retry-After": asked}), 200) as other:
        assert (await done(soon, launch(soon, other.url))).state is State.DELIVERED


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
async def test_every_kind_of_end_is_told(soon: Runtime, status: Status):
    async with receiver() as other:
        mode = {"mode": "fail" if status is Status.FAILED else "hang"}
        task = launch(soon, other.url, type="scripted", params=mode)
        if status is Status.CANCELLED:
            await until(lambda: soon.store.get(task.id).status is Status.PROCESSING)
            soon.engine.cancel(task.id, by="ann")
        await done(soon, task)
    told = json.loads(other.got[0][1])
    assert told["type"] == f"task.{status}"
    assert bool(told["data"]["error"]) is (status is Status.FAILED)


async def test_a_task_that_is_retried_tells_each_of_its_ends(soon: Runtime):
    async with receiver() as other:
        task = launch(soon, other.url, type="scripted", params={"mode": "fail"})
        await done(soon, task)
        soon.engine.retry(task.id)
        await until(lambda: len([one for one in soon.webhooks.of(task.id) if one.state is State.DELIVERED]) == 2)
    assert len({headers["webhook-id"] for headers, _ in other.got}) == 2


async def test_a_hanging_receiver_holds_up_no_other_and_is_asked_by_few_at_once(soon: Runtime):
    async with receiver(HANG) as slow, receiver() as quick:
        slower(soon, timeout=600)
        for _ in range(30):
            launch(soon, slow.url)
        delivery = await done(soon, launch(soon, quick.url))
        assert delivery.state is State.DELIVERED
        await until(lambda: len(slow.got) == 4)
        assert slow.most_at_once == 4
        assert soon.webhooks.shelf.pending == 30


@pytest.mark.parametrize("where", ["http://169.254.169.254/latest", "http://[fd00:ec2::254]/", "http://127.0.0.1:1/own"])
async def test_what_tasks_may_not_dial_is_not_told_either(soon: Runtime, where: str):
    delivery = await done(soon, launch(soon, where))  # port 1 is said to be this server's own
    assert (delivery.state, delivery.tried, delivery.why) == (State.FAILED, 1, "Tasks may not dial this address")


async def test_the_policy_holds_at_the_moment_of_dialling(soon: Runtime, monkeypatch: pytest.MonkeyPatch):
    async with receiver(500, 200) as other:
        answer = other._answer

        def shutting(*given: Any) -> Any:
            door.configure("public")
            return answer(*given)

        monkeypatch.setattr(other, "_answer", shutting)
        try:
            delivery = await done(soon, launch(soon, other.url))
        finally:
            door.configure()
    assert (delivery.state, delivery.why) == (State.FAILED, "Tasks may not dial this address")
    assert len(other.got) == 1


async def test_an_operator_sends_one_again_under_the_same_id(soon: Runtime):
    async with receiver(410, 200) as other:
        task = launch(soon, other.url)
        delivery = await done(soon, task)
        with pytest.raises(NotFound):
            soon.webhooks.redeliver("another task", delivery.id)
        soon.webhooks.redeliver(task.id, delivery.id)
        await until(lambda: soon.webhooks.of(task.id)[0].state is State.DELIVERED)
    assert [headers["webhook-id"] for headers, _ in other.got] == [delivery.id, delivery.id]


async def test_sending_one_again_that_is_taken_this_time_stands_in_the_audit(soon: Runtime, client: httpx.AsyncClient):
    async with receiver(410, 200) as other:
        task = launch(soon, other.url)
        delivery = await done(soon, task)
        answer = await client.post(f"/api/v2/tasks/{task.id}/deliveries/{delivery.id}/redeliver", headers={"sec-fetch-site": "same-origin"})
        assert (answer.status_code, answer.json()["state"]) == (202, "pending")
        await until(lambda: soon.webhooks.of(task.id)[0].state is State.DELIVERED)
    (shown,) = (await client.get(f"/api/v2/tasks/{task.id}/deliveries")).json()["items"]
    assert (shown["id"], shown["state"], [tried["status"] for tried in shown["tries"]]) == (delivery.id, "delivered", [410, 200])
    entry = audit.latest(1)[0]
    assert (entry.action, entry.object, entry.outcome) == ("redeliver", task.id, "done")


async def test_without_any_secret_a_launch_is_refused(soon: Runtime):
    soon.engine._intake._signs = False
    with pytest.raises(InvalidValue) as refused:
        launch(soon, "http://127.0.0.1:9/")
    assert refused.value.field == "webhook.secret"
    launch(soon, "http://127.0.0.1:9/", webhook={"secret": OWN})


async def test_too_many_that_wait_are_not_kept_and_said(soon: Runtime, caplog: pytest.LogCaptureFixture):
    soon.webhooks.shelf._most = 2
    async with receiver(HANG) as other:
        slower(soon, timeout=600)
        for _ in range(4):
            await ended(soon, launch(soon, other.url))
        await until(lambda: soon.webhooks.ended["dropped"] == 2)  # an end is heard of a moment after it can be seen
        assert len(soon.webhooks.shelf) == 2
        await until(lambda: caplog.text.count("Too many webhooks were waiting") == 2)


async def test_that_a_webhook_is_dropped_is_said_once_the_store_is_free(soon: Runtime):
    """A handler of logging may wait for somebody who waits for the store."""
    free: list[bool] = []

    class Asks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            asking = threading.Thread(target=soon.store.count, args=[Query()], daemon=True)
            asking.start()
            asking.join(60)
            free.append(not asking.is_alive())

    soon.webhooks.shelf._most = 0
    asks, logger = Asks(), logging.getLogger("iotask.webhooks")
    logger.addHandler(asks)
    try:
        launch(soon, "http://127.0.0.1:9/")
        await until(lambda: free)
    finally:
        logger.removeHandler(asks)
    assert free == [True]


async def test_what_was_told_leaves_with_its_task(soon: Runtime):
    async with receiver() as other:
        task = launch(soon, other.url)
        await done(soon, task)
        soon.engine.delete(task.id)
    assert soon.webhooks.of(task.id) == ()
    assert len(soon.webhooks.shelf) == 0


async def test_a_task_deleted_while_it_runs_tells_nothing(soon: Runtime):
    async with receiver() as other:
        task = launch(soon, other.url, type="scripted", params={"mode": "hang"})
        await until(lambda: soon.store.get(task.id).status is Status.PROCESSING)
        soon.engine.delete(task.id)
        LET_GO.set()
        await done(soon, launch(soon, other.url))
    assert len(other.got) == 1


async def test_at_the_end_what_is_due_is_told_first(soon: Runtime):
    async with receiver() as other:
        tasks = [launch(soon, other.url) for _ in range(40)]
        for task in tasks:
            await ended(soon, task)
        await asyncio.to_thread(soon.stop)
    assert len(other.got) == 40


async def test_records_of_deliveries_show_no_secret_when_they_are_printed(soon: Runtime):
    async with receiver() as other:
        delivery = await done(soon, launch(soon, other.url, webhook={"secret": OWN}))
    assert OWN not in repr(delivery)
    assert "sesame" not in repr(delivery)
    assert msgspec.msgpack.encode(delivery)
