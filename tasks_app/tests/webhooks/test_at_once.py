"""Two who change one delivery at the same moment, and a try whose end could not be kept."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tasks_app.engine.webhook import secret_of
from tasks_app.journal.null import NullJournal
from tasks_app.runtime import Runtime
from tasks_app.tests.webhooks.conftest import done, launch
from tasks_app.tests.webhooks.receiver import receiver
from tasks_app.webhooks.delivery import Delivery, Reply, State, Try, answered, asked_again
from tasks_app.webhooks.shelf import Shelf


async def test_who_asks_for_one_anew_while_it_is_answered_loses_nothing_of_the_answer(soon: Runtime):
    async with receiver(410) as other:
        task = launch(soon, other.url)
        delivery = await done(soon, task)
    shelf = Shelf(NullJournal())
    shelf.put(delivery)
    reply, heard = Reply(Try(delivery.at, 0.1, 204)), threading.Event()

    def answer() -> None:
        shelf.change(delivery.id, lambda now: answered(now, reply, now=now.at, wait=1.0))
        heard.set()

    other_thread = threading.Thread(target=answer)

    def asked(now: Delivery) -> Delivery:
        other_thread.start()
        assert not heard.wait(0.05)  # it waits until this is done
        return asked_again(now, at=now.at, patience=60.0)

    shelf.change(delivery.id, asked)
    other_thread.join()
    after = shelf.get(delivery.id)
    assert after is not None
    assert (after.state, after.tried) == (State.DELIVERED, delivery.tried + 1)


async def test_a_try_whose_end_could_not_be_kept_is_made_again(soon: Runtime, monkeypatch: pytest.MonkeyPatch):
    put, failed = soon.webhooks.shelf.put, list[Delivery]()

    def once(delivery: Delivery) -> Delivery:
        if delivery.tried and not failed:
            failed.append(delivery)
            raise MemoryError
        return put(delivery)

    monkeypatch.setattr(soon.webhooks.shelf, "put", once)
    async with receiver() as other:
        delivery = await done(soon, launch(soon, other.url))
    assert (delivery.state, len(failed), len(other.got)) == (State.DELIVERED, 1, 2)


@pytest.mark.parametrize("text", ["whsec_ключ", "whsec_", "whsec_a", "", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAA\n"])
def test_what_is_no_secret_is_told_in_our_words(text: Any):
    with pytest.raises(ValueError, match="must be whsec_ and 24 to 64 bytes in Base64"):
        secret_of(text)
