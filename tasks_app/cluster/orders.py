"""What people may tell a worker: each order with its values checked, as the command that Celery knows. Pure; raises InvalidValue."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.sentences import say

MOST_PROCESSES = 1_000
MOST_SECONDS = 31 * 24 * 3600.0
_RATE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,3})?(/[smh])?")
_QUEUE = re.compile(r"[^\s\0]{1,200}")


class Order(Struct, frozen=True):
    """A Celery command with its arguments; `said` is what the audit writes."""

    command: str
    arguments: dict[str, Any]
    said: str


def order_of(name: str, given: Mapping[str, Any]) -> Order:
    """The order of this name with these values, as texts or as JSON. Raises InvalidValue."""
    make = ORDERS.get(name)
    if make is None:
        raise InvalidValue(say("is no order; there are {orders}", orders=", ".join(ORDERS)), field="order")
    return make(given)


def _pool(given: Mapping[str, Any]) -> Order:
    change = _whole(given, "change", -MOST_PROCESSES, MOST_PROCESSES)
    if not change:
        raise InvalidValue(say("must not be 0"), field="change")
    return Order("pool_grow" if change > 0 else "pool_shrink", {"n": abs(change)}, f"pool {change:+d}")


def _autoscale(given: Mapping[str, Any]) -> Order:
    least, most = _whole(given, "min", 0, MOST_PROCESSES), _whole(given, "max", 1, MOST_PROCESSES)
    if least > most:
        raise InvalidValue(say("must be at most max"), field="min")
    return Order("autoscale", {"min": least, "max": most}, f"autoscale {least} to {most}")


def _add_queue(given: Mapping[str, Any]) -> Order:
    queue = _text(given, "queue", _QUEUE)
    return Order("add_consumer", {"queue": queue}, f"add queue {queue}")


def _cancel_queue(given: Mapping[str, Any]) -> Order:
    queue = _text(given, "queue", _QUEUE)
    return Order("cancel_consumer", {"queue": queue}, f"leave queue {queue}")


def _rate_limit(given: Mapping[str, Any]) -> Order:
    kind, rate = _text(given, "type", _QUEUE), str(given.get("rate") or "0").strip()
    if not _RATE.fullmatch(rate):
        raise InvalidValue(say("must be a rate such as 10, 10/s, 100/m or 1000/h; 0 for no limit"), field="rate")
    return Order("rate_limit", {"task_name": kind, "rate_limit": rate}, f"rate of {kind} {rate}")


def _time_limit(given: Mapping[str, Any]) -> Order:
    kind = _text(given, "type", _QUEUE)
    soft, hard = _seconds(given, "soft"), _seconds(given, "hard")
    if soft is None and hard is None:
        raise InvalidValue(say("must be a number of seconds where soft is none"), field="hard")
    return Order("time_limit", {"task_name": kind, "soft": soft, "hard": hard}, f"time limit of {kind} {soft or '-'} {hard or '-'}")


def _shutdown(given: Mapping[str, Any]) -> Order:
    if given.get("sure") not in (True, "yes", "on"):
        raise InvalidValue(say("must be confirmed: the worker ends, and nobody here can start it again"), field="sure")
    return Order("shutdown", {}, "shut down")


ORDERS: Mapping[str, Callable[[Mapping[str, Any]], Order]] = {
    "pool": _pool,
    "autoscale": _autoscale,
    "add-queue": _add_queue,
    "leave-queue": _cancel_queue,
    "rate-limit": _rate_limit,
    "time-limit": _time_limit,
    "shutdown": _shutdown,
}


def _whole(given: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = given.get(name)
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,7}", value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidValue(say("must be a whole number from {low} to {high}", low=low, high=high), field=name)
    return value


def _seconds(given: Mapping[str, Any], name: str) -> float | None:
    value = given.get(name)
    if value in (None, ""):
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,3})?", value.strip()):
        value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= MOST_SECONDS:
        raise InvalidValue(say("must be a number of seconds, at most {most:,}", most=int(MOST_SECONDS)), field=name)
    return float(value)


def _text(given: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not form.fullmatch(value.strip()):
        raise InvalidValue(say("must be a name without spaces, of at most 200 characters"), field=name)
    return value.strip()
