"""Connections that stay end when whoever opened them is not let in any more."""

from __future__ import annotations

import asyncio
import time

from tasks_app.auth import watches
from tasks_app.auth.principal import Principal, Role, Via
from tasks_app.auth.watches import Watches

MIRA = Principal("mira", Role.VIEWER, Via.PASSWORD, "1")
ANTON = Principal("anton", Role.VIEWER, Via.PASSWORD, "2")
SSO = Principal("sso", Role.VIEWER, Via.PROXY)


async def test_only_those_who_are_not_let_in_any_more_are_ended_and_once():
    gone = {MIRA}
    ended: list[str] = []
    found = Watches(lambda principal: principal not in gone)
    open_ones = [
        found.add(MIRA, lambda again: ended.append("mira")),
        found.add(MIRA, lambda again: ended.append("mira")),
        found.add(ANTON, lambda again: ended.append("anton")),
    ]
    found.look()
    found.look()
    assert ended == ["mira", "mira"]
    for watch in open_ones:
        found.remove(watch)


async def test_it_looks_by_itself_and_rests_when_nobody_is_there(monkeypatch):
    monkeypatch.setattr(watches, "LOOK_EVERY", 0.01)
    lets_in, over = [True], asyncio.Event()
    found = Watches(lambda _: lets_in[0])
    watch = found.add(MIRA, lambda again: over.set())
    lets_in[0] = False
    await asyncio.wait_for(over.wait(), 60)
    found.remove(watch)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "watches" and not task.cancelling()]


async def test_whoever_a_proxy_vouched_for_is_asked_anew_after_a_while(monkeypatch):
    ended: list[bool] = []
    found = Watches(lambda _: True)
    watch, other = found.add(SSO, ended.append), found.add(MIRA, ended.append)
    found.look()
    assert ended == []
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + watches.PROXY_SECONDS + 1)
    found.look()
    assert ended == [True]
    for one in (watch, other):
        found.remove(one)


async def test_ending_one_may_end_others_on_the_way():
    gone: set[Principal] = set()
    ended: list[str] = []

    def holds(principal: Principal) -> bool:
        if principal is MIRA and MIRA not in gone:
            gone.add(MIRA)
            found.look()  # as a session that is found ended by its user's line does
            return False
        return principal not in gone

    found = Watches(holds)
    watch = found.add(MIRA, lambda again: ended.append("mira"))
    found.look()
    assert ended == ["mira"]
    found.remove(watch)
