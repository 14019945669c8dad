"""What was done, as a word for the audit: finer than what was asked for, where several deeds ask for the same."""

from __future__ import annotations

from collections.abc import Mapping

from tasks_app.auth.allow import Action

_OF_SCHEDULES = {
    "pause": "pause schedule",
    "resume": "resume schedule",
    "delete": "delete schedule",
    "restore": "restore schedule",
    "edit": "change schedule",
}
_OF_TYPES = {"pause": "pause type", "resume": "resume type", "slots": "set slots"}


def deed(action: Action, route: str, method: str, posted: Mapping[str, str]) -> str:
    """The word for a request that asked for `action`, by its route as the table has it, its method and the form it posted."""
    last = route.rpartition("/")[2]
    if action is Action.SCHEDULE:
        if last == "switch":
            return _OF_SCHEDULES["pause" if "pause" in posted else "resume"]
        by_method = {"PUT": "change schedule", "DELETE": "delete schedule"}.get(method)
        return by_method or _OF_SCHEDULES.get(last, "make schedule")
    if action is Action.LIMIT and "workers/" in route:
        return "tell worker"
    if action is Action.LIMIT:
        return _OF_TYPES.get(last, str(action))
    if action is Action.RETRY and last == "redeliver":
        return "redeliver"
    if action is Action.LAUNCH and last == "rerun":
        return "rerun"
    return str(action)
