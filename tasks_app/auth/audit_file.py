"""The file of the audit and the older ones beside it, read from the newest line backwards, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from os import SEEK_END, fstat
from pathlib import Path
from typing import BinaryIO

from tasks_app.auth.entries import IN_FILE, Entry, Place, parsed

NAME = "audit.log"
BLOCK = 65_536  # bytes read at once; also more than a line can have
MOST_FILES = 100


def backwards(folder: Path, before: Place | None = None) -> Iterator[tuple[Entry, Place]]:
    """Entries of the file and of older ones, the newest first; `before`: those that stand before that place, none where it is not
    there any more. What is no line of the audit is passed over."""
    with ExitStack() as opened:
        files = _opened(folder, opened)
        for place, file in enumerate(files):
            if before is None:
                yield from _entries(file, file.seek(0, SEEK_END))
            elif fstat(file.fileno()).st_ino == before.inode and _begins_here(file, before.byte):
                yield from _entries(file, before.byte)
                for older in files[place + 1 :]:
                    yield from _entries(older, older.seek(0, SEEK_END))
                return


def _opened(folder: Path, opened: ExitStack) -> list[BinaryIO]:
    """The files, newest first, each once, also when one is renamed meanwhile."""
    found: dict[int, BinaryIO] = {}
    for number in range(MOST_FILES):
        with suppress(OSError):
            file = opened.enter_context((folder / (f"{NAME}.{number}" if number else NAME)).open("rb"))
            found.setdefault(fstat(file.fileno()).st_ino, file)
            continue
        if number:
            break
    return list(found.values())


def _begins_here(file: BinaryIO, byte: int) -> bool:
    """Whether a line of the audit begins at this byte: another file may have got the same number."""
    if byte:
        file.seek(byte - 1)
        if file.read(1) != b"\n":
            return False
    file.seek(byte)
    return parsed(file.readline(BLOCK)) is not None


def _entries(file: BinaryIO, end: int) -> Iterator[tuple[Entry, Place]]:
    """The entries of one file that stand before a byte, the last first."""
    inode = fstat(file.fileno()).st_ino
    for line, byte in _lines(file, end):
        entry = parsed(line)
        if entry is not None:
            yield entry, Place(IN_FILE, inode, byte)


def _lines(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int]]:
    """Lines with the byte they begin at, the last first. What is longer than a block is cut, and no line then."""
    rest = b""
    while end > 0:
        start = max(0, end - BLOCK)
        file.seek(start)
        *heads, rest = reversed((file.read(end - start) + rest[:BLOCK]).split(b"\n"))
        byte = start + len(rest) + sum(len(head) + 1 for head in heads)
        for head in heads:
            byte -= len(head)
            if head:
                yield head, byte
            byte -= 1
        end = start
    if rest:
        yield rest, 0
