"""New task ids."""

from __future__ import annotations

import os
from collections import deque

_AT_ONCE = 256
_spare: deque[str] = deque()


def new_id() -> str:
    """A random UUID. Randomness is asked for in stock: each question to the system lets other threads in, which takes far longer."""
    while True:
        try:
            return _spare.popleft()
        except IndexError:
            random = os.urandom(16 * _AT_ONCE).hex()
            _spare.extend(_written(random[start : start + 32]) for start in range(0, len(random), 32))


def _written(digits: str) -> str:
    """As version 4 of RFC 9562, section 5.4: one digit is the version, the two highest bits of another are 10. A UUID of the standard
    library would do the same in four times the time."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[int(digits[16], 16) & 3]}{digits[17:20]}-{digits[20:]}"


os.register_at_fork(after_in_child=_spare.clear)  # a child must not give out the same ids
