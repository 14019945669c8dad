"""Every route with its methods, and what each asks for. A route that is not here is refused; a test walks the map of all routes.

Routes are written as in the urls.py they come from. HEAD and OPTIONS are like GET, which asks to read where it is not named; any other
method that is not named is refused by its view, and until it gets there it asks for an admin.
"""

from __future__ import annotations

from collections.abc import Mapping

from tasks_app.auth.allow import Action

Methods = Mapping[str, Action]

_PUBLIC: Methods = {"GET": Action.PUBLIC}
_READ: Methods = {"GET": Action.READ}
_LAUNCH: Methods = {"POST": Action.LAUNCH}
_CANCEL: Methods = {"POST": Action.CANCEL}
_RETRY: Methods = {"POST": Action.RETRY}
_LIMIT: Methods = {"POST": Action.LIMIT}
_NOTHING: Methods = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), Action.READ)  # there is nothing, whatever is asked

_PAGES: dict[str, Methods] = {
    "login": {"GET": Action.PUBLIC, "POST": Action.PUBLIC},
    "logout": {"POST": Action.LEAVE},
    "language": {"POST": Action.PUBLIC},
    "sessions": {"GET": Action.LEAVE},
    "sessions/<str:handle>/end": {"POST": Action.LEAVE},
    "settings": {"GET": Action.SETTINGS},
    "": _READ,
    "pulse": _READ,
    "search/completion": _READ,
    "views/counts": _READ,
    "keys": _READ,
    "watched": _READ,
    "types": _READ,
    "types/<str:name>": _READ,
    "types/<str:name>/pause": _LIMIT,
    "types/<str:name>/resume": _LIMIT,
    "types/<str:name>/slots": _LIMIT,
    "types/<str:name>/failures/<str:group>/retry": {"POST": Action.BULK},
    "workers": _READ,
    "workers/<str:name>": _READ,
    "workers/<str:name>/<str:order>": _LIMIT,
    "compare": _READ,
    "launch": {"GET": Action.PREPARE},
    "launch/<str:type_name>": {"GET": Action.PREPARE, "POST": Action.LAUNCH},
    "launch/<str:type_name>/check": {"POST": Action.PREPARE},
    "activity": _READ,
    "activity.csv": _READ,
    "schedules": _READ,
    "schedules/new": {"GET": Action.PREPARE},
    "schedules/new/<str:type_name>": {"GET": Action.PREPARE, "POST": Action.SCHEDULE},
    "schedules/new/<str:type_name>/check": {"POST": Action.PREPARE},
    "schedules/<uuid:schedule_id>": _READ,
    "schedules/<uuid:schedule_id>/edit": {"GET": Action.PREPARE, "POST": Action.SCHEDULE},
    "schedules/<uuid:schedule_id>/switch": {"POST": Action.SCHEDULE},
    "schedules/<uuid:schedule_id>/run": _LAUNCH,
    "schedules/<uuid:schedule_id>/delete": {"POST": Action.SCHEDULE},
    "schedules/<uuid:schedule_id>/restore": {"POST": Action.SCHEDULE},
    "tasks/<uuid:task_id>": _READ,
    "tasks/<uuid:task_id>/log.txt": _READ,
    "tasks/<uuid:task_id>/cancel": _CANCEL,
    "tasks/<uuid:task_id>/force": _CANCEL,
    "tasks/<uuid:task_id>/retry": _RETRY,
    "tasks/<uuid:task_id>/rerun": _LAUNCH,
    "tasks/<uuid:task_id>/start": {"POST": Action.START},
    "tasks/<uuid:task_id>/deliveries/<str:delivery_id>/redeliver": _RETRY,
    "tasks/<uuid:task_id>/delete": {"POST": Action.DELETE},
    "tasks/<uuid:task_id>/restore": {"POST": Action.RESTORE},
    "bulk": {"GET": Action.PREPARE, "POST": Action.BULK},
    "bulk/<uuid:task_id>": _READ,
    "bulk/<uuid:task_id>/undo": {"POST": Action.RESTORE},
}
_SERVER: dict[str, Methods] = {
    "healthz": _PUBLIC,
    "readyz": _PUBLIC,
    "metrics": _READ,
    "^(?:api|healthz|readyz|metrics)(?:/.*)?$": _NOTHING,
}
_V2: dict[str, Methods] = {
    "api/v2/openapi.json": _READ,
    "api/v2/docs": _READ,
    "api/v2/tasks": {"GET": Action.READ, "POST": Action.LAUNCH},
    "api/v2/tasks/bulk": _LAUNCH,
    "api/v2/tasks/export": _READ,
    "api/v2/tasks/<task_id>": {"GET": Action.READ, "DELETE": Action.DELETE},
    "api/v2/tasks/<task_id>/restore": {"POST": Action.RESTORE},
    "api/v2/tasks/<task_id>/cancel": _CANCEL,
    "api/v2/tasks/<task_id>/retry": _RETRY,
    "api/v2/tasks/<task_id>/rerun": _LAUNCH,
    "api/v2/tasks/<task_id>/start": {"POST": Action.START},
    "api/v2/tasks/<task_id>/logs": _READ,
    "api/v2/tasks/<task_id>/deliveries": _READ,
    "api/v2/tasks/<task_id>/deliveries/<delivery_id>/redeliver": _RETRY,
    "api/v2/actions": {"POST": Action.BULK},
    "api/v2/actions/<task_id>/undo": {"POST": Action.RESTORE},
    "api/v2/types": _READ,
    "api/v2/types/<name>": _READ,
    "api/v2/failures": _READ,
    "api/v2/queues/<name>": {"GET": Action.READ, "PATCH": Action.LIMIT},
    "api/v2/schedules": {"GET": Action.READ, "POST": Action.SCHEDULE},
    "api/v2/schedules/<schedule_id>": {"GET": Action.READ, "PUT": Action.SCHEDULE, "DELETE": Action.SCHEDULE},
    "api/v2/schedules/<schedule_id>/pause": {"POST": Action.SCHEDULE},
    "api/v2/schedules/<schedule_id>/resume": {"POST": Action.SCHEDULE},
    "api/v2/schedules/<schedule_id>/restore": {"POST": Action.SCHEDULE},
    "api/v2/schedules/<schedule_id>/run": _LAUNCH,
    "api/v2/workers": _READ,
    "api/v2/workers/<name>": _READ,
    "api/v2/workers/<name>/<order>": _LIMIT,
    "api/v2/activity": _READ,
    "api/v2/stats": _READ,
    "api/v2/pulse": _READ,
    "api/v2/settings": {"GET": Action.SETTINGS},
    "api/v2/events": _READ,
}
_DIALECTS: dict[str, Methods] = {
    "create-task": _LAUNCH,
    "^poll-task/(?P<task_id>(?s:.+))$": _READ,
    "files": _READ,
    "^files/(?P<name>(?s:.*))$": _READ,
    "^(?:create-task|poll-task)(?:/|$)": _NOTHING,
    "job": _LAUNCH,
    "job/all": _READ,
    "job/<str:job_id>/status": _READ,
    "job/<str:job_id>/cancel": _CANCEL,
    "^job/": _NOTHING,
    "api/v1/tasks": _LAUNCH,
    "api/v1/tasks/<str:task_id>": _READ,
    "api/v1/tasks/<str:task_id>/result": _READ,
    "^api/v1(?:/|$)": _NOTHING,
    "tasks": _LAUNCH,
    "tasks/<str:task_id>": {"GET": Action.READ, "POST": Action.LAUNCH, "DELETE": Action.DELETE},  # a page; tasks/ping; two dialects
    "^tasks/[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}/": _NOTHING,
    "^tasks/": _NOTHING,
    "compat/iotask": _NOTHING,
    "compat/taskqueue": _NOTHING,
    "compat/iotask/tasks": _LAUNCH,
    "compat/iotask/tasks/ping": _LAUNCH,
    "compat/iotask/tasks/(?P<task_id>(?s:.*))\\Z": {"GET": Action.READ, "DELETE": Action.DELETE},
    "compat/iotask/": _NOTHING,
    "compat/taskqueue/tasks": _LAUNCH,
    "compat/taskqueue/tasks/<str:task_id>": _READ,
    "compat/taskqueue/": _NOTHING,
}
TABLE: Mapping[str, Methods] = {**_PAGES, **_SERVER, **_V2, **_DIALECTS}
_LIKE_GET = frozenset({"GET", "HEAD", "OPTIONS"})  # none of them has an effect


def asked(route: str, method: str) -> Action | None:
    """What a request asks for; None where the route is not in the table."""
    methods = TABLE.get(route)
    if methods is None:
        return None
    if method in _LIKE_GET:
        return methods.get("GET", Action.READ)
    return methods.get(method, Action.SETTINGS)
