"""How fast a task goes, in words a person can imagine."""

from __future__ import annotations

from django.utils.translation import gettext as _

from tasks_app.engine.progress import Progress
from tasks_app.presenters import words

FASTEST = 10_000  # steps a second; beyond, the handler counts bytes or the like and says so itself


def pace(progress: Progress | None) -> str:
    """`12 a second`, `one every 4 s`; empty where it is not known."""
    rate = progress.rate if progress else None
    if not rate or rate <= 0 or rate > FASTEST or 1 / rate > words.DAY:
        return ""
    if 0.95 <= rate < 1.05:
        return _("one a second")
    if rate > 1:
        return _("%(number)s a second") % {"number": words.figure(rate, 1) if rate < 10 else words.count(round(rate))}
    return _("one every %(time)s") % {"time": words.took(1 / rate)}
