"""What is said to a request that cannot be read, and when: each answer is that of the request it is about, in the order of requests."""

from __future__ import annotations

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tasks_app.api.problems import CONTENT_TYPE, Problem
from tasks_app.middleware import bare_headers


class Wrong(Exception):
    """What is being read is refused. It goes up through the parser, which reads no further."""


class RefusingHttp(HttpToolsProtocol):
    """uvicorn's HTTP, which writes its refusal at once: in the midst of the answer to a request before it, or as if it were that answer."""

    _refusal: Problem | None = None  # the last answer, once all others are given
    _why: Problem | None = None

    def send_400_response(self, msg: str) -> None:
        """In the API's own form, also for what is no HTTP."""
        self._refuse(self._why or Problem(400, "bad_request", msg))

    def _say(self, problem: Problem) -> None:
        """In a callback of the parser: this is why."""
        self._why = problem
        raise Wrong

    def _refuse(self, problem: Problem) -> None:
        """The last that is said on this connection."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._answer_with(problem)
        elif cycle.response_started:
            self.transport.close()  # in the middle of its answer, which may have no end, this one would be taken for a part of it
        elif not cycle.more_body:  # it is whole: what stands behind it is refused, once it is answered
            self._put_off(problem)
        elif self.pipeline:  # it is refused itself, once those before it are answered
            self.pipeline.popleft()
            self._put_off(problem)
        else:
            self._answer_with(problem)

    def _refuse_at_last(self) -> None:
        """All that could be read is answered."""
        if self._refusal is not None and not self.transport.is_closing():
            self._answer_with(self._refusal)

    def _read_no_more(self) -> None:
        """Whatever comes now."""
        raise NotImplementedError

    def _put_off(self, problem: Problem) -> None:
        self._refusal = problem
        self._read_no_more()

    def _answer_with(self, problem: Problem) -> None:
        content = problem.response().content
        status = HTTPStatus(problem.status)
        head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(content)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in [*problem.headers.items(), *bare_headers().items()])
        self.transport.write(f"{head}Connection: close\r\n\r\n".encode() + content)
        self.transport.close()
