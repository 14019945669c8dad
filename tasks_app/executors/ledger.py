"""What servers and workers keep of an attempt at the broker, where that is a Redis: who runs it, how often it was taken up, how it ended.

An attempt is taken up by one worker's process at a time, under a lease that this process renews. It ends once: the first end that is
written stays, whoever writes it, and nobody takes it up after that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from tasks_app.executors.wire import Settled, bounded

LEASE = 15.0  # seconds a worker's word holds that it runs an attempt
KEPT = 24 * 3600  # seconds that ends are kept
SHRUNK = 3600  # seconds that they are once their server knows
REMEMBERED = 1000  # ends that a process remembers
_NAMES = "iotask:lease:", "iotask:runs:", "iotask:end:"

_TAKE = """
local ended = redis.call('GET', KEYS[3])
if ended then return {'ended', ended} end
local runs = redis.call('GET', KEYS[1])
if runs == ARGV[1] then return {'taken', redis.call('GET', KEYS[2]) or '1'} end
if runs then return {'runs', runs} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local count = redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return {'taken', tostring(count)}
"""
_END = """
redis.call('DEL', KEYS[1])
if redis.call('SET', KEYS[3], ARGV[1], 'NX', 'EX', ARGV[2]) then return ARGV[1] end
return redis.call('GET', KEYS[3])
"""
_WITHDRAW = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 'runs' end
if redis.call('SET', KEYS[3], ARGV[1], 'NX', 'EX', ARGV[2]) then return 'withdrawn' end
return 'ended'
"""
_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) return redis.call('EXISTS', KEYS[3]) end
if redis.call('EXISTS', KEYS[3]) == 1 then return 1 end
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return 0
"""
_BREAK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
"""


class Taken(Struct, frozen=True):
    """What came of taking up a call: `count` times it was taken up with this one, or else who runs it, or how it has ended."""

    count: int = 0
    runs: str = ""
    ended: Settled | None = None


class Found(Struct, frozen=True):
    """What is known of a call: the token of who runs it, and how it ended."""

    runs: str = ""
    ended: Settled | None = None


class Ledger(Protocol):
    """What is kept. Each method may raise what its broker's client raises. `shared`: all servers and workers see the same."""

    shared: bool

    def take(self, call: str, token: str) -> Taken:
        """Begin to run a call, unless somebody does or it has ended. Asked again under the same token, as the answer was lost, it says
        the same again."""

    def renew(self, calls: dict[str, str]) -> list[str]:
        """Still running these, by token; those among them that have ended without us."""

    def end(self, call: str, settled: Settled) -> Settled:
        """Write down how a call ended; the end that stands."""

    def withdraw(self, call: str, settled: Settled) -> str:
        """End a call that nobody runs: `withdrawn`; or else `runs` or `ended`."""

    def let_go(self, call: str, token: str) -> None:
        """Whoever ran it under this token is gone."""

    def find(self, calls: Sequence[str]) -> list[Found]:
        """What is known of these, in order."""

    def shrink(self, ends: Iterable[tuple[str, Settled]]) -> None:
        """Their servers know how these ended: it is enough to remember that they did."""


class RedisLedger:
    """In the Redis, or Valkey, that is the broker. Thread-safe, as its client is."""

    shared = True

    def __init__(self, client: Any) -> None:
        self._client = client
        self._take, self._end, self._withdraw, self._renew, self._break = map(
            client.register_script, (_TAKE, _END, _WITHDRAW, _RENEW, _BREAK)
        )

    def take(self, call: str, token: str) -> Taken:
        """See Ledger."""
        word, said = self._take(keys=_keys(call), args=[token, _ms(LEASE), KEPT])
        if word == b"taken":
            return Taken(count=int(said))
        return Taken(ended=_decoded(said)) if word == b"ended" else Taken(runs=said.decode())

    def renew(self, calls: dict[str, str]) -> list[str]:
        """See Ledger."""
        return [call for call, token in calls.items() if self._renew(keys=_keys(call), args=[token, _ms(LEASE)])]

    def end(self, call: str, settled: Settled) -> Settled:
        """See Ledger."""
        return _decoded(self._end(keys=_keys(call), args=[msgspec.json.encode(settled), KEPT])) or settled

    def withdraw(self, call: str, settled: Settled) -> str:
        """See Ledger."""
        return str(self._withdraw(keys=_keys(call), args=[msgspec.json.encode(settled), KEPT]).decode())

    def let_go(self, call: str, token: str) -> None:
        """See Ledger."""
        self._break(keys=_keys(call), args=[token])

    def find(self, calls: Sequence[str]) -> list[Found]:
        """See Ledger."""
        if not calls:
            return []
        lease, _, end = _NAMES
        found = self._client.mget([lease + call for call in calls] + [end + call for call in calls])
        runs, ends = found[: len(calls)], found[len(calls) :]
        return [Found((token or b"").decode(), _decoded(text)) for token, text in zip(runs, ends, strict=True)]

    def shrink(self, ends: Iterable[tuple[str, Settled]]) -> None:
        """See Ledger."""
        pipe = self._client.pipeline(transaction=False)
        for call, settled in ends:
            small = Settled(run=settled.run, kind=settled.kind)
            pipe.set(_keys(call)[2], msgspec.json.encode(small), xx=True, ex=SHRUNK)
        pipe.execute()


class OwnLedger:
    """In this process alone, for brokers that keep no such notes: it sees what is delivered twice to one process, and no more."""

    shared = False

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: dict[str, str] = {}
        self._ended: OrderedDict[str, Settled] = OrderedDict()

    def take(self, call: str, token: str) -> Taken:
        """See Ledger."""
        with self._lock:
            if call in self._ended:
                return Taken(ended=self._ended[call])
            runs = self._runs.setdefault(call, token)
            return Taken(count=1) if runs == token else Taken(runs=runs)

    def renew(self, calls: dict[str, str]) -> list[str]:
        """See Ledger."""
        return []

    def end(self, call: str, settled: Settled) -> Settled:
        """See Ledger."""
        with self._lock:
            self._runs.pop(call, None)
            stands = self._ended.setdefault(call, settled)
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
            return stands

    def withdraw(self, call: str, settled: Settled) -> str:
        """Nobody can be asked: that it is revoked has to be enough."""
        return "withdrawn"

    def let_go(self, call: str, token: str) -> None:
        """See Ledger."""
        with self._lock:
            if self._runs.get(call) == token:
                del self._runs[call]

    def find(self, calls: Sequence[str]) -> list[Found]:
        """See Ledger: nothing is known here."""
        return [Found() for _ in calls]

    def shrink(self, ends: Iterable[tuple[str, Settled]]) -> None:
        """See Ledger."""


def _keys(call: str) -> list[str]:
    return [name + call for name in _NAMES]


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _decoded(text: bytes | None) -> Settled | None:
    try:
        found: Settled | None = bounded(msgspec.json.decode(text, type=Settled)) if text else None
    except (msgspec.DecodeError, RecursionError):
        return None
    return found
