"""Numbers in words, and words that several task types of this room say, as rows and progress lines show them."""

from __future__ import annotations

from tasks_app.engine.sentences import Sentence, kept

STARTING = str(kept("Starting")())
BECAUSE = kept("{said}: {why}")
NO_ANSWER = kept("no answer within {time}")
NOT_REACHABLE = kept("not reachable")
_MILLISECONDS = kept("{number:g} ms")
_LONG = kept("{number:,.2f} s")
_SECONDS = kept("{number:.3g} s")
_MINUTES = kept("{minutes:d} m {seconds:02d} s")
_HOURS = kept("{hours:d} h {minutes:02d} m")
_BYTES = kept("{number:.0f} bytes")
_SIZES = (_BYTES, kept("{number:,.2f} kB"), kept("{number:,.2f} MB"), kept("{number:,.2f} GB"), kept("{number:,.2f} TB"))
_PARTS = (
    kept("{part:.0f} of {whole:.0f} bytes"),
    kept("{part:,.2f} of {whole:,.2f} kB"),
    kept("{part:,.2f} of {whole:,.2f} MB"),
    kept("{part:,.2f} of {whole:,.2f} GB"),
    kept("{part:,.2f} of {whole:,.2f} TB"),
)
_SPEEDS = (kept("{number:,.1f} kB/s"), kept("{number:,.1f} MB/s"), kept("{number:,.1f} GB/s"), kept("{number:,.1f} TB/s"))


def milliseconds(value: float) -> Sentence:
    """A time of about three digits: "0.08 ms", "1.25 ms", "12.4 ms", "184 ms", "1.52 s"."""
    if value >= 999.5:
        return _LONG(number=value / 1000)
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return _MILLISECONDS(number=round(value, digits))


def seconds(value: float) -> Sentence:
    """A length of time of about three digits: "0.05 s", "45.2 s", "3 m 20 s", "2 h 05 m"."""
    if value < 59.95:
        return _SECONDS(number=value)
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return _HOURS(hours=hours, minutes=minutes) if hours else _MINUTES(minutes=minutes, seconds=rest)


def size(count: float) -> Sentence:
    """A number of bytes in decimal units: "512 bytes", "3.10 GB"."""
    unit = _unit(count)
    return _SIZES[unit](number=count / 1000**unit)


def size_of(done: float, total: float) -> Sentence:
    """A part of a number of bytes, both in the unit of the whole: "1.24 of 3.10 GB"."""
    unit = _unit(total)
    return _PARTS[unit](part=done / 1000**unit, whole=total / 1000**unit)


def speed(bytes_a_second: float) -> Sentence:
    """A rate in decimal units: "18.2 MB/s"."""
    unit = max(1, _unit(bytes_a_second))
    return _SPEEDS[unit - 1](number=bytes_a_second / 1000**unit)


def _unit(count: float) -> int:
    for unit in range(len(_SIZES) - 1):
        if round(count / 1000**unit, 2) < 1000:
            return unit
    return len(_SIZES) - 1
