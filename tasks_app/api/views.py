"""How views of every API behave at their edges: HEAD, OPTIONS, wrong methods, exceptions."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from tasks_app.api.problems import Problem, response_to

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def polite(view: View) -> View:
    """HEAD where there is GET, OPTIONS everywhere, and problem+json for a wrong method or an exception.

    Free of CSRF tokens: what has an effect takes JSON alone, which no form can send, and the origin of every request is checked.
    """

    @csrf_exempt
    @wraps(view)
    async def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        method = request.method
        try:
            if method == "HEAD":
                request.method = "GET"
            response = await view(request, *args, **kwargs)
        except Exception as error:
            response = response_to(error, request)
        finally:
            request.method = method
        return _refused_method(method, response["Allow"]) if response.status_code == 405 else response

    return answered


def reads(view: View) -> View:
    """A polite view for GET."""

    @wraps(view)
    async def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return await view(request, *args, **kwargs) if request.method == "GET" else HttpResponse(status=405, headers={"Allow": "GET"})

    return polite(checked)


@polite
async def nothing(request: HttpRequest) -> HttpResponse:
    """What lies at a path below /api that leads nowhere."""
    raise Problem(404, "not_found", "There is nothing at this path; /api/v2/docs lists what there is.")


def _refused_method(method: str | None, allow: str) -> HttpResponse:
    methods = {name.strip() for name in allow.split(",")}
    allowed = ", ".join(sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))
    if method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": allowed})
    return Problem(405, "method_not_allowed", f"Allowed here: {allowed}.", headers={"Allow": allowed}).response()
