"""The short way for plain requests of programs: launches, and looks at one task. Django's way to the same answer takes many times as long.

A request is plain where each of its headers is one that HTTP libraries or proxies send by themselves: no browser, no cookie, and no query
string. Whatever is not plain, or not right, or not allowed, goes Django's way, which knows how to refuse; until then nothing has
happened. Both ways hold the same table, the same rates and the same books, read and answer with the same functions, and give the same
answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from itertools import groupby
from typing import Any

from django.conf import settings  # noqa: TID251 - Django's own settings, which its middlewares read
from msgspec import Struct

from tasks_app import runtime
from tasks_app.api.dialects import long_tasks
from tasks_app.api.dialects.urls import dialect_of
from tasks_app.api.http import Said, is_json
from tasks_app.api.problems import Problem
from tasks_app.api.v2 import launching, tasks
from tasks_app.auth import access
from tasks_app.auth.allow import Action, allow
from tasks_app.auth.audit import audit
from tasks_app.auth.books import turn_of_books
from tasks_app.auth.doors import door_of
from tasks_app.auth.entries import Entry
from tasks_app.auth.errors import Denied
from tasks_app.auth.forwarded import client_of
from tasks_app.auth.principal import Principal
from tasks_app.auth.table import asked as asked_for
from tasks_app.conf import is_guest
from tasks_app.engine.errors import EngineError, JournalFailed
from tasks_app.middleware import bare_headers, is_our_name

Scope = dict[str, Any]
ID = 36  # characters of a task's id
TRIED = "iotask.tried"  # in a scope: it has been here and was not answered; None, or what was raised after something had happened
PLAIN = frozenset(
    {b"host", b"user-agent", b"accept", b"accept-encoding", b"accept-language", b"connection", b"authorization", b"content-type"}
    | {b"content-length", b"cache-control", b"pragma", b"x-forwarded-for", b"x-forwarded-proto"}
)
SHORTENED = frozenset(  # what stands on Django's way, and has no more to do for a plain request than is done here
    {
        "tasks_app.middleware.headers",
        "tasks_app.language.in_language",
        "tasks_app.packing.pages",
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "tasks_app.gate.Gate",
        "tasks_app.middleware.guard",
        "tasks_app.static_files.StaticFiles",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
    }
)


class Launches(Struct, frozen=True):
    """A path that launches: what its body asks for, and launches, each for somebody of that name, with what is raised in place of an
    answer; by which door, for the books."""

    route: str
    door: str
    read: Callable[[bytes | bytearray], Any]
    launched: Callable[[Sequence[tuple[Any, str]]], Sequence[Said | Exception]]


class Looks(Struct, frozen=True):
    """A path that ends with the id of a task, and shows it."""

    route: str
    shown: Callable[[str], Said]


_LAUNCHES = {
    "/api/v2/tasks": Launches("api/v2/tasks", door_of("/api/v2/tasks", ""), launching.read, launching.launched_together),
    "/api/v1/tasks": Launches("api/v1/tasks", door_of("/api/v1/tasks", ""), long_tasks.read, long_tasks.launched_together),
}
_LOOKS = {
    "/api/v2/tasks/": Looks("api/v2/tasks/<task_id>", tasks.shown),
    "/api/v1/tasks/": Looks("api/v1/tasks/<str:task_id>", long_tasks.shown),
}


Who = tuple[str, str, bytes | None, bytes | None, bytes | None]
LetIn = dict[Who, tuple[Principal, Action]]  # in one turn of a loop: nobody's rights change in it


class Head(Struct, frozen=True):
    """What the head of a plain request says: it is the same whenever it comes again on its connection. `who` is all that it says of who
    asks and for what, the same on all connections of one client."""

    way: Launches | Looks
    who: Who
    scope: Scope
    host: str
    is_json: bool
    size: int  # bytes of its body


class Asked(Struct, frozen=True):
    """A launch that may be made, and is counted."""

    way: Launches
    wanted: Any
    principal: Principal
    action: Action
    scope: Scope


class Answer(Struct, frozen=True):
    """A whole response, as ASGI has it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes


class Made(Struct, frozen=True):
    """A launch that has happened: what to say once it is safe and in the books, and its line there, where anything new was made."""

    said: Said
    entry: Entry | None
    path: str


Became = Made | Exception | None  # of a launch: None where it was refused, and Django's way finds out why


def is_open(middleware: Sequence[str]) -> bool:
    """Whether there is a short way here: not in another project, nor where somebody has put more on Django's than these middlewares do."""
    more = settings.SECURE_SSL_REDIRECT or settings.SECURE_HSTS_SECONDS or settings.DISALLOWED_USER_AGENTS
    return not more and not is_guest() and SHORTENED.issuperset(middleware)


async def answered(scope: Scope, body: bytes | bytearray) -> Answer | None:
    """The answer to a plain request; None where Django has to look at it, and nothing has happened yet. Raises what nobody foresaw, also
    where that was before, as the scope tells."""
    if TRIED in scope:
        if (fault := scope[TRIED]) is not None:
            raise fault
        return None
    found = begun(scope, body)
    return await kept(found) if isinstance(found, Made) else None if found is None else _answer(found)


def begun(scope: Scope, body: bytes | bytearray) -> Said | Made | None:
    """What a look shows, or what a launch has made; None where Django has to look at it, and nothing has happened yet. Raises what nobody
    foresaw."""
    head = head_of(scope, len(body))
    found = None if head is None else read(head, body, {})
    if not isinstance(found, Asked):
        return found
    made = carried_out([found])[0]
    if isinstance(made, Exception):
        raise made
    return made


def head_of(scope: Scope, size: int) -> Head | None:
    """What the head of a plain request with so many bytes of a body says; None where it is not plain."""
    way = way_of(scope)
    headers = None if way is None else _plain(scope["headers"])
    if way is None or headers is None:
        return None
    typed = is_json(headers.get(b"content-type", b"").decode("latin-1"))
    told = headers.get(b"authorization"), headers.get(b"x-forwarded-for"), headers.get(b"x-forwarded-proto")
    return Head(way, (way.route, client_of(scope), *told), scope, headers.get(b"host", b"").decode("latin-1"), typed, size)


def read(head: Head, body: bytes | bytearray, let_in: LetIn) -> Said | Asked | None:
    """What a look shows, or the launch that is asked for; None where Django has to look at it, and nothing has happened. `let_in` knows who
    was let in in this turn of the loop."""
    way, here = head.way, access.get()
    try:
        if not is_our_name(head.host):
            return None
        scope = here.seen(head.scope)
        known = let_in.get(head.who)
        if known is None:
            known = let_in[head.who] = _let_in(way.route, scope)
        principal, action = known
        if isinstance(way, Looks):
            seen = way.shown(scope["path"][-ID:])
            here.used(principal, scope)
            return seen
        if not head.is_json:
            return None
        wanted = way.read(body)
        here.rates.count(principal, client_of(scope), Action.LAUNCH, dear=False)
    except Exception:  # nothing has happened, and nothing was counted: whatever it is, Django's way meets it again, and says so
        return None
    return Asked(way, wanted, principal, action, scope)


def carried_out(asked: Sequence[Asked]) -> list[Became]:
    """Make launches, in order; what became of each. None where it was refused, an error that nobody foresaw in place of what it may have
    come after: a launch must not happen twice."""
    found: list[Became] = []
    for way, some in groupby(asked, lambda one: one.way):
        those = list(some)
        try:
            said = way.launched([(one.wanted, one.principal.name) for one in those])
        except Exception as error:
            said = [error] * len(those)
        found += map(_made, those, said)
    return found


def _made(asked: Asked, said: Said | Exception) -> Became:
    here, principal = access.get(), asked.principal
    if isinstance(said, Denied | EngineError | Problem):  # Django's way meets it again, and counts it
        here.rates.meets_again(principal, client_of(asked.scope))
        runtime.get().engine.admission.meets_again(said)
        return None
    here.used(principal, asked.scope)
    if isinstance(said, Exception):
        return said
    entry = audit.made(principal, client_of(asked.scope), asked.action, said.ids[0], asked.way.door) if said.ids else None
    return Made(said, entry, asked.scope["path"])


def is_safe() -> bool:
    """Whether a launch is safe as soon as it is made: nothing is to outlive the process, and everybody has heard of everything."""
    engine = runtime.get().engine
    return not engine.journal.durable and engine.store.catch_up()


async def kept(made: Made) -> Answer:
    """What is answered once it is safe, and in the books; done it is in either case."""
    try:
        await runtime.get().engine.safe()
        said = made.said
    except JournalFailed as error:
        said = _not_kept(error, made.path)
    if made.entry is not None:
        await turn_of_books().write(made.entry)
    return _answer(said)


async def send(answer: Answer, say: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Answer a request of an ASGI server."""
    await say({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await say({"type": "http.response.body", "body": answer.content})


def way_of(scope: Scope) -> Launches | Looks | None:
    """Which of the ways a request would take here, by its line alone."""
    if scope.get("query_string"):
        return None
    path: str = scope["path"]
    if scope["method"] == "POST":
        return _LAUNCHES.get(path)
    return _LOOKS.get(path[:-ID]) if scope["method"] == "GET" else None


def _plain(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes] | None:
    found = dict(headers)
    return found if len(found) == len(headers) and PLAIN.issuperset(found) else None


def _let_in(route: str, scope: Scope) -> tuple[Principal, Action]:
    """Who asks, and for what. Raises Denied: Django's way finds out why."""
    action, principal = asked_for(route, scope["method"]), access.get().principal(scope, counted=False)
    if principal is None or principal.ambient or action is None or not allow(principal, action):
        raise Denied(403, "not_plain", "")
    return principal, action


def _not_kept(error: JournalFailed, path: str) -> Said:
    dialect = dialect_of(path)
    refused = dialect.error(507, error.message, {}) if dialect else Problem(507, error.code, error.message).response()
    return Said(507, refused.content, headers=dict(refused.items()))


def _answer(said: Said) -> Answer:
    headers = [(name.lower().encode(), value.encode()) for name, value in said.headers.items()]
    if "Content-Type" not in said.headers:
        headers.append((b"content-type", b"application/json"))
    headers.append((b"content-length", b"%d" % len(said.content)))
    return Answer(said.status, headers + _same_for_all(), said.content)


@cache
def _same_for_all() -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in bare_headers().items()]
