"""The page of one worker: what it is, holds and has done, its queues and limits, and what it can be told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.cluster.texts import moment_of, task_id_of
from tasks_app.cluster.workers import DRIFT, Worker, pool_of
from tasks_app.engine.errors import NotFound
from tasks_app.presenters import times, words, workers
from tasks_app.presenters.filters import linked
from tasks_app.rendering import render_to_string
from tasks_app.runtime import Runtime

MOST = 100  # tasks of a list, and lines of a table
_REGISTERED = re.compile(r"(?P<name>\S+)(?: \[(?P<facts>.*)\])?")
_RUSAGE = ("utime", "stime", "maxrss", "inblock", "oublock", "nvcsw", "nivcsw")


class Held(Struct, frozen=True):
    """A task that a worker holds: its type, its Celery id, the page here where we have it, and since or until when."""

    type: str
    name: str
    url: str = ""
    when: str = ""


class Limit(Struct, frozen=True):
    """A type that a worker knows, and what limits it has there."""

    type: str
    rate: str
    seconds: str


def board(now: Runtime, rest: str, asked: Mapping[str, str]) -> Callable[[Runtime], dict[str, str]]:
    """What makes the live parts: of one worker, or of the list. Raises NotFound."""
    if not rest:
        return workers.parts
    found(now, rest)
    return lambda now: parts(now, rest)


def found(now: Runtime, name: str) -> Worker:
    """The worker of this name. Raises NotFound."""
    worker = now.cluster.workers.find(name) if now.cluster is not None else None
    if worker is None:
        raise NotFound(_("No worker of this name was heard of."))
    return worker


def parts(now: Runtime, name: str) -> dict[str, str]:
    """The page's parts as HTML. Raises NotFound."""
    worker = found(now, name)
    assert now.cluster is not None
    now.cluster.asker.look_at(name)
    monotonic = now.engine.clock.monotonic()
    stats = worker.part("stats", dict)
    return {
        "head": _part("head", row=workers.row(worker, monotonic), since=worker.since and times.since(worker.since)),
        "clocks": _part("clocks", row=workers.row(worker, monotonic)),
        "facts": _part("facts", facts=list(facts(worker, stats))),
        "queues": _part("queues", queues=list(queues(worker)), name=name),
        "tasks": _part("tasks", lists=list(lists(now, worker))),
        "processed": _part("processed", totals=list(totals(stats))),
        "limits": _part("limits", limits=list(limits(worker))),
        "broker": _part("broker", facts=list(_flat(stats.get("broker")))),
        "use": _part("use", facts=list(use(stats))),
        "conf": _part("conf", text=_text(worker.part("conf", dict))),
    }


def facts(worker: Worker, stats: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What it is."""
    pool = stats.get("pool") if isinstance(stats.get("pool"), dict) else {}
    assert isinstance(pool, dict)
    autoscaler = stats.get("autoscaler")
    told = {
        _("Process"): _whole(worker.pid if worker.pid is not None else stats.get("pid")),
        _("Pool"): pool_of(stats),
        _("Runs at once"): _whole(workers.size_of(stats)),
        _("Its processes"): ", ".join(map(str, pool.get("processes", [])[:MOST])) if isinstance(pool.get("processes"), list) else "",
        _("Tasks for each process"): _plain(pool.get("max-tasks-per-child")),
        _("Time limits of the pool"): _list(pool.get("timeouts")),
        _("Takes ahead"): _whole(stats.get("prefetch_count")),
        _("Grows by itself"): _("from %(least)s to %(most)s") % {"least": autoscaler.get("min"), "most": autoscaler.get("max")}
        if isinstance(autoscaler, dict)
        else "",
        _("Ends that were heard"): workers.ends(worker),
        _("Works since"): times.since(worker.since) if worker.since is not None else "",
        _("Uptime as it says"): words.duration(float(stats["uptime"])) if isinstance(stats.get("uptime"), int | float) else "",
        _("Heart beats every"): words.took(worker.frequency),
        _("Last heard"): times.past(worker.heard_at),
        _("Last asked"): times.past(worker.asked_at) if worker.asked_at is not None else "",
        _("Its clock"): drift(worker.ahead),
        _("Load of its machine"): ", ".join(f"{figure:.2f}" for figure in worker.load),
        _("Software"): worker.software,
        _("Logical clock"): _plain(stats.get("clock")),
    }
    return ((name, value) for name, value in told.items() if value)


def drift(ahead: float | None) -> str:
    """How its clock stands to ours."""
    if ahead is None:
        return ""
    if abs(ahead) <= DRIFT:
        return _("right, to %(seconds)s") % {"seconds": words.took(DRIFT)}
    said = _("%(time)s ahead of ours") if ahead > 0 else _("%(time)s behind ours")
    return said % {"time": words.duration(abs(ahead))}


def queues(worker: Worker) -> Iterator[dict[str, str]]:
    """Those it takes tasks from."""
    for queue in worker.part("active_queues", list)[:MOST]:
        if isinstance(queue, dict):
            exchange = queue.get("exchange")
            flags = [word for name, word in _flags().items() if queue.get(name)]
            yield {
                "name": str(queue.get("name", "")),
                "exchange": " ".join(str(exchange.get(part) or "") for part in ("name", "type")) if isinstance(exchange, dict) else "",
                "key": str(queue.get("routing_key") or ""),
                "flags": ", ".join(flags),
                "arguments": _plain(queue.get("queue_arguments")),
            }


def lists(now: Runtime, worker: Worker) -> Iterator[tuple[str, str, list[Held]]]:
    """What it holds: id of the list, its heading, the tasks."""
    named = {
        "active": _("Running"),
        "reserved": _("Taken and waiting"),
        "scheduled": _("Waiting for their time"),
        "revoked": _("Revoked: it will not begin these"),
    }
    for question, title in named.items():
        given = worker.part(question, list)
        shown = [held for one in given[:MOST] if (held := _held(now, question, one)) is not None]
        counted = f"{title}, {words.count(len(given))}" if given else title
        yield question, counted, shown


def totals(stats: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What it has done since it began: type, how many, where they are listed."""
    given = stats.get("total")
    done = [(name, count) for name, count in given.items() if isinstance(count, int)] if isinstance(given, dict) else []
    for name, count in sorted(done, key=lambda one: -one[1])[:MOST]:
        yield name, words.count(count), linked([("type", name.removeprefix("iotask."))])


def limits(worker: Worker) -> Iterator[Limit]:
    """The types it knows."""
    for line in worker.part("registered", list)[:MOST]:
        match = _REGISTERED.fullmatch(str(line))
        if match is not None:
            told = dict(part.partition("=")[::2] for part in (match["facts"] or "").split())
            seconds = " / ".join(told.get(name, "") for name in ("soft_time_limit", "time_limit") if told.get(name))
            yield Limit(match["name"], told.get("rate_limit", ""), seconds)


def use(stats: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What it uses of its machine."""
    given = stats.get("rusage")
    if not isinstance(given, dict):
        return
    named = {
        "utime": _("Computing"),
        "stime": _("In the system"),
        "maxrss": _("Most memory"),
        "inblock": _("Blocks read"),
        "oublock": _("Blocks written"),
        "nvcsw": _("Waits of its own"),
        "nivcsw": _("Turns taken from it"),
    }
    for name in _RUSAGE:
        figure = given.get(name)
        if isinstance(figure, int | float) and not isinstance(figure, bool):
            yield named[name], _used(name, figure)


def _used(name: str, figure: float) -> str:
    if name in ("utime", "stime"):
        return words.took(figure)
    return words.size(figure * 1024) if name == "maxrss" else words.count(int(figure))


def _held(now: Runtime, question: str, given: Any) -> Held | None:
    if question == "revoked":
        return Held("", str(given), _url(now, str(given)))
    info = given.get("request") if question == "scheduled" and isinstance(given, dict) else given
    if not isinstance(info, dict):
        return None
    name, began = str(info.get("id", "")), info.get("time_start")
    when = times.since(began) if question == "active" and isinstance(began, int | float) and 0 < began < 1e11 else ""
    return Held(str(info.get("name", "")), name, _url(now, name), when or _due(question, given))


def _due(question: str, given: Mapping[str, Any]) -> str:
    at = moment_of(given.get("eta")) if question == "scheduled" else None
    return "" if at is None else times.moment(at)


def _url(now: Runtime, name: str) -> str:
    task_id = name.rpartition(".")[0] if len(name) > 36 else task_id_of(name)
    task = now.store.find(task_id)
    return reverse("web:task", args=[task.id]) if task is not None else ""


def _flags() -> dict[str, str]:
    return {"durable": _("durable"), "exclusive": _("exclusive"), "auto_delete": _("goes with its last reader"), "no_ack": _("unconfirmed")}


def _flat(given: Any) -> Iterator[tuple[str, str]]:
    if isinstance(given, dict):
        for name, value in sorted(given.items()):
            if value not in (None, "", [], {}):
                yield name, _plain(value)


def _plain(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _list(value: Any) -> str:
    return ", ".join(words.took(float(part)) for part in value if isinstance(part, int | float) and part) if isinstance(value, list) else ""


def _whole(value: Any) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _text(conf: Mapping[str, Any]) -> str:
    return json.dumps(conf, indent=2, ensure_ascii=False, sort_keys=True, default=str) if conf else ""


def _part(slot: str, /, **values: Any) -> str:
    return render_to_string(f"workers/slots/{slot}.html", values).strip()
