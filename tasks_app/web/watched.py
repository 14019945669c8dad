"""How the tasks are that somebody watches in his browser: asked by any open page, a few at a time."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from tasks_app import runtime
from tasks_app.presenters import watched as presented

MOST = 50  # tasks that one browser may watch


@require_safe
async def watched(request: HttpRequest) -> JsonResponse:
    """`{"epoch": …, "durable": …, "tasks": {id: {…}}}`: each of the ids that is there, as it is now; others are left out."""
    now = runtime.get()
    ids = list(dict.fromkeys(request.GET.getlist("id")))[:MOST]
    tasks = {task.id: presented.state_of(now, task) for task_id in ids if (task := now.store.find(task_id)) is not None}
    answer = JsonResponse({"epoch": now.epoch, "durable": now.engine.journal.durable, "tasks": tasks})
    answer.headers["Cache-Control"] = "no-store"
    return answer
