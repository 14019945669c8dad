"""How much one person may ask for in a second: effects, launches, searches. Whoever is over it waits; nobody else notices."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from tasks_app.auth.allow import EFFECTS, Action
from tasks_app.auth.errors import Denied
from tasks_app.auth.principal import Principal, Via
from tasks_app.auth.throttle import place_of
from tasks_app.engine.sentences import say
from tasks_app.rates import Rate

SEARCH = 20  # effects that a search counts as: it looks at up to 20,000 tasks on the loop that answers everybody
SECONDS = 10  # over which is counted: ten times as much may be done at once
CODE = "too_many_requests"


class Rates:
    """Counts by person: by name where there is a login, else by address. None: no bound."""

    def __init__(self, effects: int | None, launches: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._effects = Rate(effects * SECONDS, SECONDS, clock=clock) if effects else None
        self._launches = Rate(launches * SECONDS, SECONDS, clock=clock) if launches else None

    def count(self, principal: Principal, address: str, action: Action, *, dear: bool) -> None:
        """Count a request before it is answered; `dear`: one that reads, and looks through much. Raises Denied, and counts nothing then."""
        cost = 1 if action in EFFECTS else SEARCH if dear else 0
        if not cost:
            return
        key = _key(principal, address)
        if self._effects is not None:
            _spend(self._effects, key, min(cost, self._effects.most))
        if action is Action.LAUNCH:
            self._launch(key)

    def _launch(self, key: str) -> None:
        try:
            _spend(self._launches, key, 1)
        except Denied:
            if self._effects is not None:
                self._effects.give_back(key)
            raise

    def meets_again(self, principal: Principal, address: str) -> None:
        """A launch that was counted is asked for again at once, another way: it counts there."""
        for rate in (self._effects, self._launches):
            if rate is not None:
                rate.give_back(_key(principal, address))

    def launch(self, principal: Principal, address: str, tasks: int) -> None:
        """Count tasks that are about to be launched. Raises Denied."""
        _spend(self._launches, _key(principal, address), tasks)

    def not_launched(self, principal: Principal, address: str, tasks: int) -> None:
        """Tasks that were counted and could not be taken in, for a reason that is none of theirs."""
        if self._launches is not None:
            self._launches.give_back(_key(principal, address), tasks)

    @property
    def most_launches(self) -> int | None:
        """How many tasks one person may launch at once."""
        return self._launches.most if self._launches else None


def _spend(rate: Rate | None, key: str, cost: int) -> None:
    if rate is not None and cost and (wait := rate.wait(key, cost)):
        each = rate.most // rate.seconds
        said = say("Too much at once: {most:,} a second are yours, counted over {seconds} seconds.", most=each, seconds=rate.seconds)
        raise Denied(429, CODE, said, retry_after=math.ceil(wait))


def _key(principal: Principal, address: str) -> str:
    return place_of(address) if principal.via is Via.OPEN else f"{principal.via} {principal.name}"
