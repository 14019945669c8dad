"""A file that comes in piece by piece: beside its final place until it is whole, and gone without a trace if it never is."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Lock
from typing import IO, Any, TypeVar

MAX_NAME = 200  # bytes: leaves room for a number within the 255 of common file systems
SUFFIX = ".part"
_T = TypeVar("_T")
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="file")  # a disk that hangs holds up downloads, nothing else


def clean_name(text: str) -> str:
    """The nearest plain file name: no separators, nothing that cannot be seen, not hidden, not the name of a part."""
    text = "".join(char if char.isprintable() and char not in "/\\" else "_" for char in text).strip().lstrip(". ")
    text = text.encode("utf-8", "replace")[:MAX_NAME].decode("utf-8", "ignore").rstrip()
    return (f"{text[: -len(SUFFIX)]}_part" if text.lower().endswith(SUFFIX) else text) or "download"


async def in_thread(function: Callable[..., _T], *args: Any) -> _T:
    """Run one step of file work in a thread of this room. A cancel does not wait for it, nor does it stop a step that has begun."""
    return await asyncio.get_running_loop().run_in_executor(_threads, function, *args)


class Part:
    """One file on its way. Its steps block, so they belong in threads; they take turns, and none does anything after `drop`."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._path = folder / f"{owner}{SUFFIX}"
        self._final: Path | None = None
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._dropped = False
        self._turn = Lock()

    @property
    def sha256(self) -> str:
        """The checksum of what was written so far."""
        return self._hash.hexdigest()

    def open(self) -> None:
        """Begin the file; one that an earlier, killed process left under this owner is replaced. Raises OSError."""
        with self._turn:
            if self._dropped:
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            self._file = self._path.open("xb")

    def write(self, piece: bytes) -> None:
        """Add to the file. Raises OSError."""
        with self._turn:
            if self._file is not None:
                self._file.write(piece)
                self._hash.update(piece)

    def keep(self, name: str) -> str:
        """Move the whole file to its place once it is safe on disk; the name it got. Raises OSError."""
        with self._turn:
            if self._file is None:
                raise FileNotFoundError
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._final = _reserved(self._path.parent, name)
            self._path.replace(self._final)
            _sync(self._path.parent)
            return self._final.name

    def drop(self) -> None:
        """Remove the file, wherever it is by now. Raises nothing that could be mended."""
        with self._turn:
            self._dropped = True
            opened, self._file = self._file, None
            if opened is None:
                return
            for step in (opened.close, self._path.unlink, *((self._final.unlink,) if self._final else ())):
                try:
                    step()
                except OSError:
                    continue  # the disk is full or gone: the next step may still help


def _reserved(folder: Path, name: str) -> Path:
    """A new, empty file of this name, or of the first free one with a number: what exists is never overwritten."""
    stem, suffix = os.path.splitext(name)
    for number in count(2):
        path = folder / name
        try:
            path.open("xb").close()
        except FileExistsError:
            name = f"{stem}-{number}{suffix}"
        else:
            return path
    raise AssertionError("count() ends")


def _sync(folder: Path) -> None:
    """Make a rename last. Some file systems cannot sync a folder; the file itself is safe by then."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError:
        return
    finally:
        os.close(opened)
