"""Whether this process lives, and whether it is ready for new work."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from tasks_app import runtime
from tasks_app.api.http import answer
from tasks_app.api.problems import Problem
from tasks_app.api.views import reads
from tasks_app.auth.allow import Action
from tasks_app.auth.asking import may


@reads
async def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the web server's loop answers."""
    return answer({"status": "ok"})


@reads
async def readyz(request: HttpRequest) -> HttpResponse:
    """200 when new work is welcome; 503 when it is not, with the reasons for those who are known here."""
    troubles = runtime.get().troubles()
    if troubles:
        said = " ".join(troubles) if may(request, Action.READ) else "Not ready for new work."
        raise Problem(503, "not_ready", said, headers={"Retry-After": "5"})
    return answer({"status": "ready"})
