"""Whether a connection that only listens is still heard on: a dead one looks like one on which nobody says anything."""

from __future__ import annotations

from typing import Any

from tasks_app.executors.link import answered


class Hearing:
    """For one connection and the channel that listens; used by the thread that drains it."""

    def __init__(self, connection: Any, channel: Any) -> None:
        self._connection = connection
        self._channel = channel
        self._heard = 0

    def check(self, heard: int) -> None:
        """Raise what the transport raises, or TimeoutError, unless the broker answers. `heard` counts the messages that came so far.

        Redis tells what is said to all on a connection of its own, on which we never ask: where a router has forgotten that one, no
        question over the others finds it out. It is asked too, and has until the next check to answer, or to bring anything else."""
        answered(self._connection, self._connection.default_channel)
        if self._connection.transport.driver_type != "redis":
            return
        ear = self._channel.subclient
        if ear.health_check_response_counter and heard == self._heard:
            raise TimeoutError("nothing is heard on the connection that listens")
        self._heard = heard
        ear.ping(ear.HEALTH_CHECK_MESSAGE)
        ear.health_check_response_counter += 1  # the client takes one off when the answer comes
