"""Times that move: `<time>` elements whose text ticks in the browser. Without script they name the moment instead, which stays true.

`data-since` counts up from a moment, `data-until` down to one, `data-ago` says how long past, `data-at` the moment in the reader's
zone; all hold seconds since 1970. `data-words` is the sentence around the time, `{}` its place; `data-about` stands around a guess
of more than a minute. The server's text depends on the record alone, never on when it is rendered.
"""

from __future__ import annotations

from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tasks_app.presenters import words


def since(at: float, sentence: str = "{}", *, plain: str | None = None) -> SafeString:
    """Time gone by since a moment: `2 m 24 s`; without script `since 14:02:11`, in the sentence `plain` where that is a shorter one."""
    return _time("data-since", at, sentence, plain or sentence, _("since %(time)s") % {"time": words.clock_time(at)})


def until(at: float, sentence: str = "{}") -> SafeString:
    """Time left until a moment that is known: `24 s`; without script `at 14:02:11`."""
    return _time("data-until", at, sentence, "{}", _("at %(time)s") % {"time": words.clock_time(at)})


def roughly(at: float, sentence: str = "{}") -> SafeString:
    """Time left until a moment that is far enough to be told in minutes: `30 m`, `11 h 58 m`; without script `at 14:02`."""
    text = escape(_("at %(time)s") % {"time": words.clock_time(at)[:5]})
    said = f'data-words="{escape(sentence)}" data-about="{{}}">{text}'
    return mark_safe(f'<time datetime="{words.stamp(at)}" title="{words.clock(at)}" data-until="{round(at)}" {said}</time>')  # noqa: S308


def left(at: float, sentence: str = "{}") -> SafeString:
    """Time left until a moment that is a guess: `57 s`, `about 3 m`; without script `ends about 14:02`."""
    text = _("ends about %(time)s") % {"time": words.clock_time(at)[:5]}
    said = f'data-words="{escape(sentence)}" data-about="{escape(_("about {}"))}">{escape(text)}'
    return mark_safe(f'<time datetime="{words.stamp(at)}" data-until="{round(at)}" {said}</time>')  # noqa: S308 - escaped above


def past(at: float, sentence: str = "{}") -> SafeString:
    """How long past a moment is: `9 min ago`; without script the moment."""
    return _time("data-ago", at, sentence, sentence, words.clock_minute(at))


def moment(at: float, sentence: str = "{}") -> SafeString:
    """A moment, in the reader's zone where a script knows it; without script in UTC."""
    return _time("data-at", at, sentence, sentence, words.clock(at))


def _time(kind: str, at: float, sentence: str, plain: str, text: str) -> SafeString:
    epoch = f"{at:.3f}".rstrip("0").rstrip(".")
    said = f'data-words="{escape(sentence)}">{escape(plain.replace("{}", text))}'
    return mark_safe(f'<time datetime="{words.stamp(at)}" title="{words.clock(at)}" {kind}="{epoch}" {said}</time>')  # noqa: S308
