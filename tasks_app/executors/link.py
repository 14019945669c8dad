"""One connection to the broker, and what a thread of ours does over it: send attempts, tell events, revoke, stop, and ask."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack, suppress
from typing import Any

from celery import Celery
from kombu import Exchange, Producer, Queue
from kombu.exceptions import KombuError

from tasks_app.executors.ledger import Ledger, OwnLedger, RedisLedger
from tasks_app.executors.wire import PREFIX, QUEUE, Order, Word, fields_of, plain

STOPS = Exchange("iotask.stops", type="fanout", durable=False)  # who is to stop: every process that runs attempts hears it
ASKED = 1.0  # seconds that workers have to answer
_own = OwnLedger()


class Link:
    """For one thread. Every method may raise one of `errors`: then the link is to be closed, and another one made."""

    def __init__(self, app: Celery, name: str) -> None:
        self.app = app
        self._connection = app.connection_for_write()
        self.errors: tuple[type[BaseException], ...] = broken(self._connection)
        try:
            self._connection.connect()
            self._channel: Any = self._connection.channel()
            self._producer = Producer(self._channel)
            self._events = app.events.Dispatcher(self._connection, hostname=name, channel=self._channel, buffer_while_offline=False)
            is_redis = self._connection.transport.driver_type == "redis"
            self.ledger: Ledger = RedisLedger(client_of(self._channel)) if is_redis else _own
        except BaseException:
            self.close()
            raise

    def send(self, call: str, order: Order) -> None:
        """Send an attempt to the workers."""
        record = order.record
        self.app.send_task(
            PREFIX + record.type,
            kwargs={"order": plain(order)},
            task_id=call,
            queue=QUEUE,
            producer=self._producer,
            retry=False,
            argsrepr="()",
            kwargsrepr=record.params[:1000],
            ignore_result=True,
        )

    def tell(self, kind: str, call: str, word: Word) -> None:
        """Send an event."""
        self._events.send(kind, **({"uuid": call} if call else {}), **fields_of(word))

    def stop(self, call: str, kind: str, reason: str) -> None:
        """Ask whoever runs a call to stop."""
        self._producer.publish(
            {"v": 1, "call": call, "kind": kind, "reason": reason}, exchange=STOPS, declare=[STOPS], serializer="json", retry=False
        )

    def revoke(self, call: str, *, by_force: bool = False) -> None:
        """No worker is to begin with it; by force, the process that runs it is killed."""
        self.app.control.revoke(call, terminate=by_force, signal="SIGKILL", connection=self._connection)

    def queued(self) -> int:
        """How many attempts no worker has taken from the broker."""
        queue = our_queue(self._channel)
        try:
            found: int = queue.queue_declare(passive=True).message_count
        except self._connection.channel_errors:  # there is no such queue, or no more: where to send messages is forgotten with it
            queue.declare()
            return 0
        return found

    def held_by_workers(self, calls: list[str]) -> set[str]:
        """Those of these calls that a worker says it holds, whether it runs them or not."""
        answers = self.app.control.inspect(timeout=ASKED, connection=self._connection).query_task(*calls) or {}
        return {call for held in answers.values() if isinstance(held, dict) for call in held}

    def ask(self) -> None:
        """Raise unless the broker answers."""
        answered(self._connection, self._channel)

    def try_out(self) -> None:
        """Raise unless the broker takes a message: it knows our queue, and has room."""
        our_queue(self._channel).declare()
        with self._connection.channel() as channel:
            queue = Queue(f"{QUEUE}.trial.{secrets.token_hex(8)}", durable=False, exclusive=True, auto_delete=True)(channel)
            queue.declare()
            try:
                self._producer.publish({}, routing_key=queue.name, serializer="json", retry=False)
            finally:
                queue.purge()  # over Redis, deleting it would leave what is in it
                queue.delete()

    def hold(self, tags: list[str]) -> None:
        """These messages are worked on: Redis is not to give them out again while they are."""
        if self.ledger.shared and tags:
            now = time.time()
            self._channel.client.zadd(self._channel.unacked_index_key, dict.fromkeys(tags, now), xx=True)

    def close(self) -> None:
        """Let go of the connection, whatever state it is in."""
        with suppress(Exception):
            let_go(self._connection)


def our_queue(channel: Any) -> Any:
    """Where attempts wait for workers."""
    return Queue(QUEUE, Exchange(QUEUE), routing_key=QUEUE)(channel)


def client_of(channel: Any) -> Any:
    """The Redis client of a channel."""
    return channel.client


def answered(connection: Any, channel: Any) -> None:
    """Raise what the transport raises unless the broker answers within the time that is set for its sockets."""
    if connection.transport.driver_type == "redis":
        client_of(channel).ping()
    else:
        STOPS(channel).declare()  # nothing changes: it is there


def let_go(connection: Any, *, in_order: bool = False) -> None:
    """Close a connection; unless it is in order, without a word of farewell: one that hangs would wait for the answer. What the system
    counts goes at once: a transport over Redis that broke lies in a cycle with what it raised, and would keep its descriptors until garbage
    is looked for."""
    transport = connection._transport  # not the property, which makes one where there is none
    if transport is None or transport.driver_type != "redis":
        (connection.release if in_order else connection.collect)()
        return
    with ExitStack() as rest:
        rest.callback(transport.cycle.poller.close)
        for pool in [channel._pool for channel in (*transport.channels, *transport._avail_channels)]:
            if pool is not None:
                rest.callback(pool.disconnect)
        connection.release()


def broken(connection: Any) -> tuple[type[BaseException], ...]:
    """What a connection raises when the broker is away, does not answer, or does not let us in."""
    return (OSError, TimeoutError, KombuError, *connection.connection_errors, *connection.channel_errors)
