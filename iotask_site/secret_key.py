"""The key that signs cookies and forms: made once, kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from iotask_site.env import WrongSetting

MIN_LENGTH = 50
_KNOWN = ("django-insecure-", "insecure")  # beginnings of keys that stand in templates and examples


def key_of(given: str, path: Path, *, debug: bool) -> str:
    """The key from the environment, or else the one kept at `path`. Raises WrongSetting for one that could be guessed; its value is not
    shown."""
    if not given:
        return "only for debugging" if debug else kept_key(path)
    if len(given) < MIN_LENGTH or given.lower().startswith(_KNOWN):
        raise WrongSetting(f"SECRET_KEY is too weak; allowed: at least {MIN_LENGTH} random characters. Unset, one is made and kept.")
    return given


def kept_key(path: Path) -> str:
    """The key in the file at `path`, made when there is none. Raises WrongSetting when it cannot be kept there."""
    try:
        if not path.exists():
            _make(path)
        key = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = _reason(error)
        raise WrongSetting(f"The secret key cannot be kept in {path} ({reason}): set SECRET_KEY, or make that place writable.") from None
    if len(key) < MIN_LENGTH:
        raise WrongSetting(f"{path} holds no usable secret key (at least {MIN_LENGTH} characters): delete it and a new one is made.")
    return key


def _make(path: Path) -> None:
    """Whole or not at all: processes that start together must end up with the same key. mkstemp's files are 0600."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(50) + "\n")
        os.link(name, path)
    except FileExistsError:
        pass  # another process was quicker: its key counts
    finally:
        os.unlink(name)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is no text"
