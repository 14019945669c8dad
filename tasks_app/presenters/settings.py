"""Settings as a page and the API show them: what holds now, what would hold otherwise, how much of it is used. Secrets are never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app import conf, runtime
from tasks_app.conf import Config, Hidden
from tasks_app.crowds import crowd
from tasks_app.engine import deleted
from tasks_app.engine.runner import STUCK_CAP
from tasks_app.engine.task import TERMINAL, WAITING
from tasks_app.presenters import facts, words
from tasks_app.presenters.filters import linked
from tasks_app.presenters.settings_bounds import FIXED, Bound
from tasks_app.presenters.settings_words import BYTES, COUNT, DEFAULTS, GROUPS, HOURS, SECONDS, Group, Setting
from tasks_app.runtime import Runtime

_DEFAULT = Config()
_OUTSIDE: Mapping[str, Callable[[], Any]] = {  # of Config
    name: getattr(conf, name) for name in ("allowed_hosts", "trusted_origins", "log_level", "debugging")
}
KIB = 1024


class Use(Struct, frozen=True):
    """How much of a bound is used; `most` is the bound as it holds. Counts, or bytes."""

    used: int
    most: int
    unit: str = COUNT

    @property
    def words(self) -> str:
        """`12 of 1,000,000`."""
        return _("%(used)s of %(most)s") % {"used": shown(self.used, self.unit), "most": shown(self.most, self.unit)}

    @property
    def high(self) -> int:
        """From where on it is nearly full."""
        return self.most * 9 // 10


class Line(Struct, frozen=True):
    """One setting: as text for people, as `raw` and `raw_default` for programs."""

    setting: Setting
    value: str
    default: str
    changed: bool
    secret: bool
    raw: Any
    raw_default: Any
    use: Use | None = None
    in_force: str = ""  # what an empty value comes to


class Fixed(Struct, frozen=True):
    """A bound that nothing sets."""

    bound: Bound
    value: str
    use: Use | None = None


class Slots(Struct, frozen=True):
    """The slots of a task type, and where its tasks are."""

    name: str
    words: str
    use: Use | None
    waiting: str
    link: str


def groups(now: Runtime) -> Iterator[tuple[Group, list[Line]]]:
    """All settings by group."""
    uses, forces = _uses(now), _in_force(now)
    for group in GROUPS:
        yield group, [_line(now.config, setting, uses.get(setting.name), forces.get(setting.name, "")) for setting in group.settings]


def fixed(now: Runtime) -> list[Fixed]:
    """What bounds the server whatever it is told."""
    uses = {"stuck_handlers": Use(now.engine.runner.stuck, STUCK_CAP), "deleted": Use(len(now.store.deleted), deleted.MOST)}
    return [Fixed(bound, shown(bound.most, bound.unit), uses.get(bound.name)) for bound in FIXED]


def slots(now: Runtime) -> list[Slots]:
    """Each type with its slots, those that may run nothing by themselves included."""
    return [_slots(now, kind.name) for kind in now.registry]


def shown(value: Any, unit: str = "", unset: str = "") -> str:
    """A value in words."""
    if isinstance(value, Hidden):
        return _("set") if value.text else _("not set")
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if unset and not value:
        return unset
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={words.count(number)}" for name, number in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(value)
    return _measured(value, unit)


def _measured(value: Any, unit: str) -> str:
    if unit == COUNT:
        return words.count(value)
    if unit == SECONDS:
        return words.span(value)
    if unit == HOURS:
        return f"{words.figure(value)}{words.THIN}{_('h')}"
    if unit == BYTES:
        return _bytes(value)
    return str(value)


def _bytes(octets: int) -> str:
    """Bounds are mostly powers of two: `64 KiB`, `400 MiB`; round ones and small ones as files are measured."""
    if octets % 10**6 == 0 or octets < KIB:
        return words.size(octets)
    unit, name = (KIB**2, _("MiB")) if octets >= KIB**2 else (KIB, _("KiB"))
    return f"{words.count(octets // unit)}{words.THIN}{name}"


def _line(config: Config, setting: Setting, use: Use | None, in_force: str) -> Line:
    value, default = _value(config, setting.name), _default(setting.name)
    secret = isinstance(value, Hidden)
    return Line(
        setting,
        value=shown(value, setting.unit, str(setting.unset)),
        default=shown(default, setting.unit, str(setting.unset)),
        changed=bool(value.text) if secret else value != default,
        secret=secret,
        raw=_raw(value),
        raw_default=_raw(default),
        use=use,
        in_force=in_force,
    )


def _value(config: Config, name: str) -> Any:
    return _OUTSIDE[name]() if name in _OUTSIDE else getattr(config, name)


def _default(name: str) -> Any:
    found = DEFAULTS[name] if name in DEFAULTS else getattr(_DEFAULT, name)
    return conf.folder() / found if isinstance(found, Path) else found


def _raw(value: Any) -> Any:
    """As JSON; of a secret, whether there is one."""
    if isinstance(value, Hidden):
        return bool(value.text)
    return str(value) if isinstance(value, Path) else value


def _uses(now: Runtime) -> dict[str, Use]:
    counts, open_now = now.store.counts, crowd()
    found = {
        "max_running": Use(now.engine.queues.running, now.engine.queues.max_running),
        "max_waiting": Use(now.store.waiting, now.config.max_waiting),
        "max_schedules": Use(len(now.schedules.all()), now.config.max_schedules),
        "max_sockets": Use(len(now.sockets), now.config.max_sockets),
        "max_memory": Use(now.memory.held, now.memory.most, BYTES),
        "keep_finished": Use(sum(counts[status] for status in TERMINAL), now.config.keep_finished),
    }
    if len(open_now):  # whoever looks has one, unless nobody counts here
        found["max_connections"] = Use(len(open_now), open_now.most)
    return found


def _in_force(now: Runtime) -> dict[str, str]:
    return {"targets": runtime.targets()}


def _slots(now: Runtime, name: str) -> Slots:
    queue = now.engine.queues.get(name)
    use = None if queue.concurrency is None else Use(queue.running, queue.concurrency)
    waiting = sum(now.store.count_of(name, status) for status in WAITING)
    return Slots(name, facts.slots_of(queue), use, words.count(waiting), linked([("type", name)]))
