"""The verbs that go on: tasks watched to their end, a list that stays current, a log that is followed."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from rich.live import Live

from tasks_app.terminal.exits import ENDED, Ends, Exit, exit_of
from tasks_app.terminal.ids import id_of
from tasks_app.terminal.lists import page_of, put_page, table
from tasks_app.terminal.screens import Bars, JsonLines, Lines, Screen, console, put, say
from tasks_app.terminal.server import Server
from tasks_app.terminal.watching import Watch
from tasks_app.terminal.words import clock, plain

TICK, SECOND = 0.5, 1.0  # seconds between two looks at a log, at a list


def watch_ids(server: Server, ids: list[str], asked: Namespace) -> Exit:
    """Watch tasks to their end; the exit code says how they ended. Ctrl-C leaves them running, or asks them to stop."""
    found = Watch(server, screen_of(asked), ids)
    try:
        _to_the_end(found, asked)
    except KeyboardInterrupt:
        if not asked.cancel_on_interrupt:
            _say_they_go_on(found)
            return Exit.LEFT
        _ask_to_stop(server, found)
        _to_the_end(found, asked)
    if not asked.json and sys.stdout.isatty():
        _say_results(found)
    return exit_of(found.tasks.values())


def screen_of(asked: Namespace) -> Screen:
    """JSON for programs, bars at a terminal, else lines."""
    if asked.json:
        return JsonLines()
    return Bars() if sys.stdout.isatty() else Lines()


def list_tasks(server: Server, asked: Namespace) -> Exit:
    """Print a list, once or for as long as somebody watches."""
    if not asked.watch:
        put_page(page_of(server, asked), asked)
        return Exit.DONE
    try:
        (_changes if asked.json or not sys.stdout.isatty() else _live)(server, asked)
    except KeyboardInterrupt:  # the way to end it
        return Exit.LEFT
    return Exit.DONE


def logs(server: Server, asked: Namespace) -> Exit:
    """Print a log; followed, until its task has ended. The exit code is the reading's, not the task's."""
    task_id, after = id_of(server, asked.task), 0
    while True:
        ended = not asked.follow or _patiently(server, f"tasks/{task_id}", asked)["status"] in ENDED
        found = _patiently(server, f"tasks/{task_id}/logs", asked, after=after, level=asked.level)
        for line in found["items"]:
            put(line) if asked.json else print(f"{clock(line['at'])} {line['level']:<7} {plain(line['text'])}", flush=True)
        after = found["next"]
        if ended:
            return Exit.DONE
        time.sleep(TICK)


def _to_the_end(found: Watch, asked: Namespace) -> None:
    with found.screen:
        found.to_the_end(asked.patience)


def _say_they_go_on(found: Watch) -> None:
    for one in found.open:
        say(f"The task goes on. `tasks watch {one[:8]}` watches it again, `tasks cancel {one[:8]}` stops it.")


def _ask_to_stop(server: Server, found: Watch) -> None:
    for one in found.open:
        try:
            server.post(f"tasks/{one}/cancel")
            say(f"Asked {one[:8]} to stop; Ctrl-C once more leaves it alone.")
        except Ends as error:
            say(error.sentence)


def _say_results(found: Watch) -> None:
    """What came of tasks whose bars are too short for it."""
    for task in found.tasks.values():
        if task and task["error"]:
            print(plain(f"#{task['number']} {task['error']['type']}: {task['error']['message']}"))


def _patiently(server: Server, path: str, asked: Namespace, **params: Any) -> Any:
    """What stands at a path; where something is followed, a server that is away is waited for. Raises Ends."""
    end = time.monotonic() + asked.patience
    while True:
        try:
            return server.get(path, **params)
        except Ends as error:
            if not (error.again and asked.follow) or time.monotonic() >= end:
                raise
        time.sleep(TICK)


def _pages(server: Server, asked: Namespace) -> Iterator[list[dict[str, Any]]]:
    """The list, once a second; a server that was there and is away is waited for."""
    yield page_of(server, asked)
    away = 0.0
    while True:
        time.sleep(SECOND)
        try:
            page = page_of(server, asked)
        except Ends as error:
            if not error.again or away >= asked.patience:
                raise
            away += SECOND
            continue
        away = 0.0
        yield page


def _changes(server: Server, asked: Namespace) -> None:
    """Each task of the list as it came to be so, a line each."""
    known: dict[str, int] = {}
    for page in _pages(server, asked):
        fresh = [task for task in reversed(page) if known.get(task["id"]) != task["version"]]
        known = {task["id"]: task["version"] for task in page}
        put_page(fresh, asked, headings=False)


def _live(server: Server, asked: Namespace) -> None:
    """The list, drawn in place."""
    with Live(console=console(), auto_refresh=False) as live:
        for page in _pages(server, asked):
            live.update(table(page, live.console.width), refresh=True)
