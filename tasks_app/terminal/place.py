"""Where the server is and which token opens it: from the command line, else from the environment."""

from __future__ import annotations

import os
from pathlib import Path

from tasks_app.terminal.exits import Ends, Exit
from tasks_app.terminal.server import Server


def server_at(url: str | None, token: str | None, token_file: str | None) -> Server:
    """The server that is meant. Raises Ends for an address or a token that cannot be one."""
    chosen = token or (_first_line(token_file) if token_file else "") or os.environ.get("IOTASK_TOKEN", "").strip()
    return Server(url or os.environ.get("IOTASK_URL", "").strip() or f"http://localhost:{_port()}", chosen)


def _port() -> str:
    """PORT, which `serve` listens on where nothing else is said."""
    found = os.environ.get("PORT", "").strip()
    return found if found.isascii() and found.isdigit() and found != "0" else "8080"


def _first_line(path: str) -> str:
    try:
        lines = Path(path).expanduser().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        raise Ends(Exit.USAGE, f"The token cannot be read from {path}: {getattr(error, 'strerror', None) or error}.") from None
    if not lines or not lines[0].strip():
        raise Ends(Exit.USAGE, f"There is no token in the first line of {path}.")
    return lines[0].strip()
