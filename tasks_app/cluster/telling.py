"""Tells one worker something and waits for its answer, without holding up the loop that asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tasks_app.cluster.orders import Order
from tasks_app.engine.errors import Conflict, Unavailable
from tasks_app.engine.sentences import say

if TYPE_CHECKING:
    from tasks_app.cluster.cluster import Cluster

SILENT = frozenset({"shutdown"})  # a worker that ends does not answer


async def tell(cluster: Cluster | None, order: Order, worker: str) -> str:
    """What it answered, which may be nothing. Raises Unavailable where nobody can be told, or nobody answered, and Conflict, with the
    worker's words, where it refused."""
    if cluster is None or not cluster.receiver.is_connected:
        raise Unavailable(say("The Celery broker cannot be reached: no worker can be told anything."))
    try:
        answers = await asyncio.wrap_future(cluster.commands.tell(order.command, order.arguments, [worker]))
    except Exception as error:
        raise Unavailable(say("The worker could not be told: {error}", error=f"{type(error).__name__}: {error}"[:200])) from error
    if not answers and order.command not in SILENT:
        raise Unavailable(say("The worker did not answer: whether it heard this is not known."))
    refused = [answer for answer in answers if not answer.done]
    if refused:
        raise Conflict(say("{worker} refused: {text}", worker=refused[0].worker, text=refused[0].text))
    cluster.asker.soon()
    return answers[0].text if answers else ""
