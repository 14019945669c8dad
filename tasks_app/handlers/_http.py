"""How this room speaks HTTP: one careful session a run, through the one door, and failures in our own words, never the other side's."""

from __future__ import annotations

import os
from typing import Any

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    RedirectClientError,
    ServerDisconnectedError,
    TCPConnector,
    TooManyRedirects,
)

from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.sentences import kept
from tasks_app.handlers._egress import Passage, Resolver
from tasks_app.handlers._hosts import out_of_sockets
from tasks_app.handlers._targets import Use
from tasks_app.handlers._words import NO_ANSWER, NOT_REACHABLE

MAX_REDIRECTS = 3
_BAD_CERTIFICATE = kept("its certificate is not valid")
_NO_TLS = kept("no TLS connection could be made")
_NO_ADDRESS = kept("no address is known for this name")
_HUNG_UP = kept("it hung up without an answer")
_BROKE_OFF = kept("the answer broke off")
_REDIRECTS = kept("it redirects more than {most:d} times")
_REDIRECTS_AWAY = kept("it redirects to something that is no URL of HTTP")
_NOT_HTTP = kept("what it answers is not HTTP")
_FAILED = kept("the request failed ({kind})")


def session(timeout: ClientTimeout, *, by: str = "", **options: Any) -> ClientSession:
    """A session that takes nothing from the environment (no proxy, no .netrc), keeps no cookies and no connections, unpacks no bodies.

    Each request, redirects included, looks up, is judged and dials anew; certificates are checked. `by`: whose task asks.
    Raises Blocked and TooManyDials from any request.
    """
    passage = Passage(Use.HTTP, by)
    return ClientSession(
        connector=TCPConnector(
            limit=0, force_close=True, use_dns_cache=False, resolver=Resolver(passage), socket_factory=passage.socket_or_error
        ),
        middlewares=(passage.check,),
        timeout=timeout,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": "IoTask", "Accept": "*/*", "Accept-Encoding": "identity"},
        **options,
    )


def failure(error: Exception, patience: str) -> TaskFailure:
    """What went wrong, as kind and words; `patience` says how long was waited, should that be it. Texts of the other side are left out."""
    if ours := out_of_sockets(error):
        return ours
    match error:
        case ClientConnectorCertificateError():
            return TaskFailure(_BAD_CERTIFICATE(), kind="InvalidCertificate")
        case ClientSSLError():
            return TaskFailure(_NO_TLS(), kind="TlsFailed")
        case ClientConnectorDNSError():
            return TaskFailure(_NO_ADDRESS(), kind="Unreachable")
        case TimeoutError():
            return TaskFailure(NO_ANSWER(time=patience), kind="Timeout")
        case ServerDisconnectedError():
            return TaskFailure(_HUNG_UP(), kind="Unreachable")
        case ClientOSError():
            return TaskFailure(os.strerror(error.errno).lower() if error.errno else NOT_REACHABLE(), kind="Unreachable")
        case ClientPayloadError():
            return TaskFailure(_BROKE_OFF(), kind="Truncated")
        case TooManyRedirects():
            return TaskFailure(_REDIRECTS(most=MAX_REDIRECTS), kind="BadRedirect")
        case RedirectClientError() | InvalidURL():
            return TaskFailure(_REDIRECTS_AWAY(), kind="BadRedirect")
        case ClientResponseError():
            return TaskFailure(_NOT_HTTP(), kind="BadAnswer")
    return TaskFailure(_FAILED(kind=type(error).__name__), kind="Unreachable")
