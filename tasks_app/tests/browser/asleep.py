"""A browser that stands still, as on a laptop that is closed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

import psutil


@contextmanager
def asleep(but: Collection[int] = ()) -> Iterator[None]:
    """All processes of browsers that this one started stand still, but for some (by id). One of them may end at any moment: a page before
    this one may have left some, and not all that a browser starts stay."""
    stopped = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if one.pid not in but and "chrom" in one.name():
                one.suspend()
                stopped.append(one)
    assert stopped
    try:
        yield
    finally:
        for one in stopped:
            with suppress(psutil.NoSuchProcess):
                one.resume()
