"""What this server was told, for admins."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from tasks_app import runtime
from tasks_app.api.http import answer, query_of
from tasks_app.api.v2.describe import described
from tasks_app.api.v2.shapes import BoundJSON, SettingJSON, Settings, UseJSON
from tasks_app.api.v2.types import queue_json
from tasks_app.presenters import settings as presented
from tasks_app.presenters.settings import Fixed, Line, Use

router = Router(tags=["Server"])


@router.get("/settings", operation_id="settings", summary="Get settings and bounds", **described(answers={200: "Settings"}))
async def settings(request: HttpRequest) -> HttpResponse:
    """Every setting with its value and default, every fixed bound, the slots of each type. For admins; secrets are not shown."""
    query_of(request)
    now = runtime.get()
    return answer(
        Settings(
            [_setting(group.name, line) for group, lines in presented.groups(now) for line in lines],
            [_bound(line) for line in presented.fixed(now)],
            [queue_json(now, kind.name) for kind in now.registry],
            runtime.targets(),
        )
    )


def _setting(group: str, line: Line) -> SettingJSON:
    of = line.setting
    said = str(of.sentence)
    return SettingJSON(of.name, group, of.variable or None, line.raw, line.raw_default, line.secret, said, _use(line.use))


def _bound(line: Fixed) -> BoundJSON:
    return BoundJSON(line.bound.name, line.bound.most, str(line.bound.sentence), _use(line.use))


def _use(use: Use | None) -> UseJSON | None:
    return None if use is None else UseJSON(use.used, use.most)
