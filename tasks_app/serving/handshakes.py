"""How a handshake for a socket is refused: over HTTP, with the headers that every answer has."""

from __future__ import annotations

from http import HTTPStatus

from tasks_app.api.problems import Problem
from tasks_app.middleware import bare_headers

BACK_AFTER = 3  # seconds after which whoever is sent away by a restart may find the server again
TRY_LATER, NOTHING = 1013, 4404
TOO_MANY_HEADERS = Problem(431, "head_too_large", "Too many headers.")
UNAVAILABLE = Problem(503, "unavailable", "The server cannot open a socket now.", headers={"Retry-After": str(BACK_AFTER)})
UNREADABLE = Problem(400, "bad_request", "The handshake cannot be read.")
NO_PAGE = Problem(404, "not_found", "There is nothing here.")
REFUSALS = {  # by the code that an application closes with what it did not accept: a handshake is answered over HTTP
    NOTHING: NO_PAGE,
    TRY_LATER: Problem(503, "too_many_sockets", "As many sockets are open as this server holds.", headers={"Retry-After": "10"}),
}
FORBIDDEN = Problem(403, "forbidden", "This page may not open a socket here.")


def said_by_the_protocol(answer: bytes) -> Problem:
    """What to answer where the protocol itself could not read a handshake and would say this."""
    if b" 414 " in answer[:16]:
        return NO_PAGE  # no page of ours has an address as long as that
    return TOO_MANY_HEADERS if b" 431 " in answer[:16] else UNREADABLE


def bare_answer(problem: Problem) -> bytes:
    """The whole answer, as it goes over the wire; the connection is to be closed behind it."""
    response, status = problem.response(), HTTPStatus(problem.status)
    headers = {**response.headers, "Content-Length": str(len(response.content)), **bare_headers(), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {status.phrase}\r\n{head}\r\n".encode() + response.content
