"""The verbs that ask for one thing and are done: each prints what came of it and returns an exit code."""

from __future__ import annotations

import uuid
from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from tasks_app.terminal.details import show_task, show_type
from tasks_app.terminal.exits import Ends, Exit
from tasks_app.terminal.ids import id_of
from tasks_app.terminal.screens import put, say, table
from tasks_app.terminal.server import Server
from tasks_app.terminal.values import content_of, json_of, params_of
from tasks_app.terminal.watched import watch_ids
from tasks_app.terminal.words import label, plain


def launch(server: Server, asked: Namespace) -> Exit:
    """Launch a task, and watch it where that is wanted."""
    task = server.post("tasks", launch_of(server, asked), key=asked.key or str(uuid.uuid4()))
    if asked.watch:
        return watch_ids(server, [task["id"]], asked)
    if asked.json:
        put(task)
    elif asked.quiet:
        print(task["id"])
    else:
        print(f"Launched #{task['number']} {label(task)}, {plain(task['status'])}: {task['id']}")
    return Exit.DONE


def launch_of(server: Server, asked: Namespace) -> dict[str, Any]:
    """The body of a launch; params are read by the type's JSON Schema. Raises Ends."""
    params = json_of(asked.whole) if asked.whole else {}
    if asked.params:
        params |= params_of(asked.params, server.get(f"types/{quote(asked.type, safe='')}")["params"])
    given = {
        "name": None if asked.name is None else content_of(asked.name),
        "tags": asked.tags,
        "priority": asked.priority,
        "timeout": asked.timeout,
        "max_attempts": asked.attempts,
        "run_at": asked.at,
    }
    return {"type": asked.type, "params": params, **{name: value for name, value in given.items() if value is not None}}


def show(server: Server, asked: Namespace) -> Exit:
    """Print a task."""
    task = server.get(f"tasks/{id_of(server, asked.task)}")
    (put if asked.json else show_task)(task)
    return Exit.DONE


def watch(server: Server, asked: Namespace) -> Exit:
    """Watch tasks to their end."""
    return watch_ids(server, list(dict.fromkeys(id_of(server, text) for text in asked.tasks)), asked)


def cancel(server: Server, asked: Namespace) -> Exit:
    """Ask tasks to stop."""
    force = {"force": "true"} if asked.force else {}
    return _each(server, asked, lambda one: server.post(f"tasks/{one}/cancel", **force), "is {status}")


def retry(server: Server, asked: Namespace) -> Exit:
    """Give tasks further attempts, and watch them where that is wanted."""
    return _each(server, asked, lambda one: server.post(f"tasks/{one}/retry"), "is {status}")


def rerun(server: Server, asked: Namespace) -> Exit:
    """Launch tasks again, and watch the new ones where that is wanted."""
    return _each(server, asked, lambda one: server.post(f"tasks/{one}/rerun"), "was launched as {id}")


def remove(server: Server, asked: Namespace) -> Exit:
    """Delete tasks."""
    code = Exit.DONE

    def delete(task_id: str) -> dict[str, Any]:
        server.delete(f"tasks/{task_id}")
        return {"id": task_id, "deleted": True}

    for gone, failed in _told(server, asked.tasks, delete, asked):
        code = max(code, failed)
        if gone is not None and not asked.json:
            print(f"Deleted {gone['id']}")
    return code


def restore(server: Server, asked: Namespace) -> Exit:
    """Bring deleted tasks back."""
    return _each(server, asked, lambda one: server.post(f"tasks/{one}/restore"), "is back, {status}")


def types(server: Server, asked: Namespace) -> Exit:
    """Print the task types, or one with its params."""
    if asked.type:
        found = server.get(f"types/{quote(asked.type, safe='')}")
        (put if asked.json else show_type)(found)
        return Exit.DONE
    items = server.get("types")["items"]
    if asked.json:
        for one in items:
            put(one)
    else:
        rows = [(one["name"], one["title"], ", ".join(one["params"].get("properties", ()))) for one in items if one["launchable"]]
        table(("type", "what it does", "params"), rows)
    return Exit.DONE


def pause(server: Server, asked: Namespace) -> Exit:
    """Hold tasks of a type back, or let them start again."""
    queue = server.patch(f"queues/{quote(asked.type, safe='')}", {"paused": asked.verb == "pause"})
    if asked.json:
        put(queue)
    else:
        state = "paused" if queue["paused"] else "not paused"
        print(f"{queue['type']} is {state}: {queue['running']} running, {queue['waiting']} waiting")
    return Exit.DONE


def _each(server: Server, asked: Namespace, act: Callable[[str], Any], words: str) -> Exit:
    """Do one thing to each task; one that is refused is told, and the others go on."""
    code, done = Exit.DONE, []
    for task, failed in _told(server, asked.tasks, act, asked):
        code = max(code, failed)
        if task is None:
            continue
        done.append(task["id"])
        if not asked.json:
            print(f"#{task['number']} {label(task)}", words.format(status=task["status"], id=task["id"]))
    if getattr(asked, "watch", False) and done:
        return max(code, watch_ids(server, done, asked))
    return code


def _told(server: Server, tasks: list[str], act: Callable[[str], Any], asked: Namespace) -> Iterator[tuple[Any, Exit]]:
    """What came of each: an answer, or None and the exit code of what was said about it."""
    for text in dict.fromkeys(tasks):
        try:
            found = act(id_of(server, text))
        except Ends as error:
            if error.code is Exit.UNREACHABLE:
                raise
            say(f"{text}: {error.sentence}")
            yield None, error.code
            continue
        if asked.json and not getattr(asked, "watch", False):
            put(found)
        yield found, Exit.DONE
