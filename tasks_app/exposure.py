"""Whether a server may open its door at all: closed by default to whoever is not on this machine."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from tasks_app.auth import access
from tasks_app.auth.errors import WrongLogin
from tasks_app.auth.forwarded import is_loopback
from tasks_app.conf import LOOPBACK_NAMES, allowed_hosts, debugging, get_config
from tasks_app.logs import server_lines

REMIND_SECONDS = 60.0
_WAYS = "set IOTASK_USERS or IOTASK_TOKENS (docs/operations.md, Login)"
_WORD = "say --i-know-this-is-open if that is what you want"


class Exposed(Exception):
    """The door would be open to more than is safe; the message is a sentence that says what to do."""


def check_login() -> None:
    """Raises Exposed where users, tokens or the proxy are set wrong, or a name beyond this machine is served to whoever comes."""
    try:
        found = access.get()
    except WrongLogin as error:
        raise Exposed(str(error)) from None
    others = sorted(set(allowed_hosts()) - LOOPBACK_NAMES)
    if found.open and others and not get_config().open_to_others:
        raise Exposed(
            f"ALLOWED_HOSTS has {others[0]!r} in it, and nobody has to log in: pages of other sites could come by that name. "
            f"Leave the names of this machine, {_WAYS}, or {_WORD}."
        )
    if not found.open and debugging():
        raise Exposed("DEBUG is on, which shows faults with all their values to whoever is logged in: set DEBUG=0 where there is a login.")


def check_address(host: str, address: str) -> None:
    """Raises Exposed for an address that other machines can reach, unless there is a login; `host` is how it was named."""
    if is_loopback(address):
        return
    if access.get().open and not get_config().open_to_others:
        raise Exposed(f"{host} can be reached from other machines, and nobody has to log in: {_WAYS}, keep to 127.0.0.1, or {_WORD}.")
    if debugging():
        raise Exposed(f"{host} can be reached from other machines, and DEBUG shows them faults with all their values: set DEBUG=0.")


@contextmanager
def reminded() -> Generator[None, None, None]:
    """Say each minute that everybody may do everything, where that is so."""
    if not (access.get().open and get_config().open_to_others):
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_remind, args=(over,), name="reminder", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _remind(over: threading.Event) -> None:
    while not over.is_set():
        server_lines.open_to_all()
        over.wait(REMIND_SECONDS)
