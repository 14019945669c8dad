"""The server as the terminal sees it: questions to /api/v2, and every way they can go wrong as one sentence and an exit code."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from tasks_app.terminal.exits import Ends, Exit

CONNECT, READ = 5.0, 60.0  # seconds
SILENCE = 45.0  # seconds without a byte after which a stream counts as lost: it says something every 15
_CODES = {400: Exit.USAGE, 422: Exit.USAGE, 404: Exit.NOT_FOUND}
_LATER = (429, 502, 503, 504)
_UNLIKE_ANY = "The token has characters that no token has."


class Server:
    """One server, by its address; the token goes with each request."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url.rstrip("/")
        headers = {"Accept": "application/json", "User-Agent": "iotask-terminal"}
        if token:
            if not token.isprintable():
                raise Ends(Exit.USAGE, _UNLIKE_ANY)
            headers["Authorization"] = f"Bearer {token}"
        self._login = bool(token)
        try:
            base = httpx.URL(f"{self.url}/api/v2/")
            if base.scheme not in ("http", "https") or not base.host or not 0 < (base.port or 80) < 65_536:
                raise httpx.InvalidURL("it has to be http:// or https:// with a host, and a port where one is needed")
            timeout = httpx.Timeout(READ, connect=CONNECT)
            self._client = httpx.Client(base_url=base, headers=headers, timeout=timeout, trust_env=not _here(base.host))
        except httpx.InvalidURL as error:
            raise Ends(Exit.USAGE, f"{url!r} is no address of a server: {error}.") from None
        except (UnicodeEncodeError, ValueError):
            raise Ends(Exit.USAGE, _UNLIKE_ANY) from None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **params: Any) -> Any:
        """The JSON at a path below /api/v2. Raises Ends."""
        return self._ask("GET", path, params=params)

    def post(self, path: str, body: Any = None, *, key: str = "", **params: Any) -> Any:
        """What a POST is answered; with an idempotency `key` it is sent once more where the answer was lost. Raises Ends."""
        if not key:
            return self._ask("POST", path, json=body, params=params)
        keyed = {**body, "idempotency_key": key}  # not as a header, which could not hold every text
        try:
            return self._ask("POST", path, json=keyed)
        except Unanswered:
            return self._ask("POST", path, json=keyed)

    def patch(self, path: str, body: Any) -> Any:
        """What a PATCH is answered. Raises Ends."""
        return self._ask("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        """Ask for a DELETE. Raises Ends."""
        self._ask("DELETE", path)

    @contextmanager
    def stream(self, path: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Iterator[bytes]]:
        """The bytes of an answer that goes on, as they come. Raises Ends."""
        timeout = httpx.Timeout(SILENCE, connect=CONNECT)
        with self._reached(), self._client.stream("GET", path, params=params, headers=headers, timeout=timeout) as response:
            if response.status_code != httpx.codes.OK:
                response.read()
                self._judge(response)
            yield response.iter_bytes()

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        with self._reached():
            response = self._client.request(method, path, **{name: value for name, value in more.items() if value is not None})
        self._judge(response)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        try:
            return response.json()
        except ValueError:
            raise self._strange() from None

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            text = f"No server answers at {self.url} ({_why(error)}). `manage.py serve` starts one; --url or IOTASK_URL names another."
            raise Ends(Exit.UNREACHABLE, text, again=True) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Unanswered(self.url, _why(error)) from None

    def _judge(self, response: httpx.Response) -> None:
        """Raises Ends unless the answer says that it went well."""
        if response.is_success:
            return
        if response.is_redirect:
            to = response.headers.get("location", "elsewhere")
            raise Ends(Exit.UNREACHABLE, f"{self.url} sends one on to {to[:200]!r}: give that server's address with --url.")
        problem = _problem(response)
        if problem is None:
            raise self._strange(f"status {response.status_code}", again=response.status_code in _LATER)
        code = _CODES.get(response.status_code, Exit.REFUSED)
        if response.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            code = Exit.UNREACHABLE
        elif problem["code"] == "unknown_type":
            code = Exit.NOT_FOUND
        raise Ends(code, self._sentence(problem, response), again=response.status_code in _LATER)

    def _sentence(self, problem: dict[str, Any], response: httpx.Response) -> str:
        said = [str(problem.get("detail") or problem["code"])]
        errors = problem.get("errors") or []
        if len(errors) > 1:
            said += [f"{one.get('field')}: {one.get('message')}" for one in errors if isinstance(one, dict)]
        elif problem.get("field") and str(problem["field"]) not in said[0]:
            said[0] = f"{problem['field']}: {said[0]}"
        if response.status_code == httpx.codes.UNAUTHORIZED and not self._login:
            said.append("A token is given with IOTASK_TOKEN, --token-file or --token; `manage.py maketoken` makes one.")
        if wait := response.headers.get("retry-after"):
            said.append(f"Try again in {wait[:20]} s.")
        return "\n".join(said)

    def _strange(self, what: str = "no JSON", *, again: bool = False) -> Ends:
        return Ends(Exit.UNREACHABLE, f"What answers at {self.url} is not the API of IoTask ({what}).", again=again)


class Unanswered(Ends):
    """The request was on its way, and no whole answer came: what it asked for may have been done."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(Exit.UNREACHABLE, f"{url} gave no whole answer ({why}): what was asked may have been done.", again=True)


def _problem(response: httpx.Response) -> dict[str, Any] | None:
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) and "code" in found else None


def _why(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__


def _here(host: str) -> bool:
    """Whether it is this machine, which is reached without the proxies of the environment."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
