"""What only the garbage collector finds, since it goes round in circles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_as_garbage(*kinds: type) -> Iterator[list[object]]:
    """The instances of these kinds that the block leaves in circles; they are in the list once it has ended."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    found: list[object] = []
    try:
        yield found
        gc.collect()
        found += [kept for kept in gc.garbage if isinstance(kept, kinds)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
