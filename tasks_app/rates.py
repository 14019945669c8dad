"""How often something may be done: counted by key, over the last few seconds, in a table of bounded size, at a cost that never grows."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

from limits import RateLimitItemPerSecond
from limits.storage import MovingWindowSupport, Storage
from limits.strategies import MovingWindowRateLimiter

MOST_KEYS = 20_000  # counted at once; past that the key that was counted longest ago is forgotten
NAMES = 256  # of windows that are remembered, those that were asked for last
SLICES = 16  # of a window: what is counted within one of them ends with the last of it
_LONG_AGO = float("-inf")  # when a slice began that is no more
_HEAD = 2  # what stands before the slices of a window
Clock = Callable[[], float]
Window = list[float]  # how many in all, when its last slice began; and then for each slice when it ends to count, and how many


class Windows(Storage, MovingWindowSupport):
    """Counts for the library `limits`, over windows that move: by the monotonic clock, so that nobody sets it forward. In no stretch of
    `expiry` seconds there are ever more than `limit`.

    The library's own storage in memory keeps the time of each single one, and looks through all keys in a new thread, a hundred times a
    second. Here those that come close together are one entry, which ends with the last of them, and nothing is looked through.
    """

    STORAGE_SCHEME = None

    def __init__(self, most: int, clock: Clock) -> None:
        super().__init__()
        self._most = most
        self._clock = clock
        self._windows: OrderedDict[str, Window] = OrderedDict()  # the one that was counted longest ago leads

    @property
    def base_exceptions(self) -> type[Exception]:
        """What may go wrong in here: nothing that the library should translate."""
        return ValueError

    def acquire_entry(self, key: str, limit: int, expiry: float, amount: int = 1) -> bool:
        """Count `amount`, where the last `expiry` seconds leave room for it; else nothing is counted."""
        now = self._clock()
        window = self._windows.get(key)
        if window is None:
            if amount > limit:
                return False
            self._make_room()
            self._windows[key] = [amount, now, now + expiry, amount]
            return True
        if len(window) == _HEAD or window[_HEAD] <= now:
            _forget_old(window, now)
        if window[0] + amount > limit:
            return False
        if now - window[1] < expiry / SLICES:
            window[-2] = now + expiry
            window[-1] += amount
        else:
            window[1] = now
            window += (now + expiry, amount)
        window[0] += amount
        self._windows.move_to_end(key)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: float) -> tuple[float, int]:
        """When the oldest that still counts was counted (now, where there is none), and how many count."""
        now = self._clock()
        window = self._windows.get(key)
        if window is None:
            return now, 0
        _forget_old(window, now)
        return (window[_HEAD] - expiry if len(window) > _HEAD else now), int(window[0])

    def room_at(self, key: str, limit: int, amount: int) -> float:
        """When there will be room for `amount`, if nothing is counted meanwhile; now, where there is. More than `limit` waits for all."""
        now = self._clock()
        window = self._windows.get(key, [0.0, now])
        _forget_old(window, now)
        too_many, at = window[0] + amount - limit, now
        for place in range(_HEAD, len(window), 2):
            if too_many <= 0:
                break
            at = window[place]
            too_many -= window[place + 1]
        return at

    def take_off(self, key: str, amount: int = 1) -> None:
        """Count so many less, the newest, as far as there are any that still count."""
        window = self._windows.get(key)
        if window is None:
            return
        _forget_old(window, self._clock())
        while amount and window[0]:
            less = min(amount, int(window[-1]))
            amount -= less
            window[0] -= less
            window[-1] -= less
            if not window[-1]:
                del window[-2:]
                window[1] = _LONG_AGO

    def _make_room(self) -> None:
        while len(self._windows) >= self._most:
            self._windows.popitem(last=False)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Fixed windows are not kept here."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """How many count now."""
        return self.get_moving_window(key, 0, 0)[1]

    def get_expiry(self, key: str) -> float:
        """When none that was counted counts any more; now, where that is so."""
        window = self._windows.get(key, [])
        return max(self._clock(), window[-2] if len(window) > _HEAD else 0.0)

    def check(self) -> bool:
        """It is in this process: it is there."""
        return True

    def reset(self) -> int:
        """Forget all counts; of how many keys."""
        forgotten = len(self._windows)
        self._windows.clear()
        return forgotten

    def clear(self, key: str) -> None:
        """Forget the counts of one key."""
        self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)


def _forget_old(window: Window, now: float) -> None:
    """Drop the slices that have ended; after the last of them the next count begins one."""
    while len(window) > _HEAD and window[_HEAD] <= now:
        window[0] -= window[_HEAD + 1]
        del window[_HEAD : _HEAD + 2]
    if len(window) == _HEAD:
        window[1] = _LONG_AGO


class Rate:
    """So many within any so many seconds, for each key. For one thread."""

    def __init__(self, most: int, seconds: int, *, most_keys: int = MOST_KEYS, clock: Clock = time.monotonic) -> None:
        self.most = most
        self.seconds = seconds
        self.windows = Windows(most_keys, clock)
        self._clock = clock
        self._item = RateLimitItemPerSecond(most, seconds)
        self._limiter = MovingWindowRateLimiter(self.windows)
        self._name = lru_cache(NAMES)(self._item.key_for)

    def wait(self, key: str, cost: int = 1) -> float:
        """Count it, 0.0; or say how many seconds it has to wait. What costs more than is left uses nothing up. As the library's `hit` does,
        which writes the name of the window anew each time: that is asked for with every launch, for the same few."""
        name = self._name(key)
        if self.windows.acquire_entry(name, self.most, self.seconds, cost):
            return 0.0
        return max(0.001, self.windows.room_at(name, self.most, cost) - self._clock())

    def give_back(self, key: str, cost: int = 1) -> None:
        """Count so much less: it is asked for once more, another way, or nothing came of it."""
        self.windows.take_off(self._name(key), cost)

    def left(self, key: str) -> int:
        """How many more there may be at the moment."""
        return self._limiter.get_window_stats(self._item, key).remaining

    def forget(self, key: str) -> None:
        """Begin anew."""
        self._limiter.clear(self._item, key)
