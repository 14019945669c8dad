"""Task type `primes`: counts primes; CPU-bound, so it runs in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import isqrt
from typing import Any

from pydantic import Field

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.sentences import joined, kept, say
from tasks_app.handlers._words import STARTING

_BELOW = kept("{count:,} prime below {limit:,}", "{count:,} primes below {limit:,}")
_SO_FAR = kept("{checked:,} checked, {count:,} prime", "{checked:,} checked, {count:,} primes")
SEGMENT = 1 << 18  # numbers sieved at once: a quarter of a megabyte, which stays in the processor's cache


class PrimesParams(Params):
    """How far."""

    limit: int = Field(5_000_000, ge=2, le=100_000_000, description="Primes below this number are counted")

    def summary(self) -> str:
        """How far, and where it runs."""
        return joined(" · ", (say("limit {limit:,}", limit=self.limit), say("process pool")))


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    largest = say("The largest is {largest:,}", largest=result["largest"]) if result["largest"] else ""
    return _BELOW(count=result["primes"], limit=result["limit"]), largest


@task_type("primes", params=PrimesParams, title="Primes", cpu_bound=True, concurrency=os.cpu_count(), idempotent=True, headline=headline)
def primes(params: PrimesParams, context: Context) -> dict[str, Any]:
    """Counts the primes below a number with a segmented sieve, in a process of its own."""
    total, largest = 0, None
    context.progress(0, params.limit, STARTING)
    for start, sieve in segments(params.limit):
        context.check()
        total += sieve.count(1)
        last = sieve.rfind(1)
        largest = start + last if last >= 0 else largest
        checked = start + len(sieve)
        context.progress(checked, message=_SO_FAR(checked=checked, count=total))
    return {"primes": total, "limit": params.limit, "largest": largest}


def segments(limit: int, length: int = SEGMENT) -> Iterator[tuple[int, bytearray]]:
    """The numbers below `limit` in pieces: where a piece begins, and a 1 for each prime in it."""
    base = _base_primes(isqrt(max(0, limit - 1)))
    for start in range(0, limit, length):
        sieve = bytearray(b"\x01") * min(length, limit - start)
        if start < 2:
            sieve[: 2 - start] = bytes(len(sieve[: 2 - start]))
        for prime in base:
            if prime * prime >= start + len(sieve):
                break
            first = max(prime * prime, -(-start // prime) * prime) - start
            sieve[first::prime] = bytes(len(range(first, len(sieve), prime)))
        yield start, sieve


def _base_primes(upto: int) -> list[int]:
    sieve = bytearray(b"\x01") * (upto + 1)
    sieve[:2] = bytes(len(sieve[:2]))
    for number in range(2, isqrt(upto) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, upto + 1, number)))
    return [number for number in range(upto + 1) if sieve[number]]
