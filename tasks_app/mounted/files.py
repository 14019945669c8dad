"""Our static files below our own prefix, whatever the project does with its own."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

from tasks_app import places
from tasks_app.static_files import StaticFiles, digest

_SETTINGS = SimpleNamespace(
    DEBUG=False,
    STATIC_URL="/static/",
    STATIC_ROOT=str(places.STATIC),
    FORCE_SCRIPT_NAME=None,
    WHITENOISE_AUTOREFRESH=False,
    WHITENOISE_USE_FINDERS=False,
    WHITENOISE_MAX_AGE=0,
    WHITENOISE_ALLOW_ALL_ORIGINS=False,
)


@cache
def version() -> str:
    """A name for all our files as they are."""
    return digest((str(path.relative_to(places.STATIC)), path) for path in places.STATIC.rglob("*") if path.is_file())


class OwnFiles(StaticFiles):
    """Serves what is in our folder, and nothing else."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response, settings=_SETTINGS)

    def version(self) -> str:
        """Of our own files alone."""
        return version()
