"""What ends whoever takes it up is not taken up for ever: attempts that end their worker each time, and words that break each link.

A word breaks a link for one of two reasons: the broker goes, or takes nothing from anybody, and then the word waits; or the broker does not
take this very word, as it is too large. The second is believed when it has taken another one over the same link, several times over.
"""

from __future__ import annotations

from tasks_app.engine.sentences import kept
from tasks_app.engine.task import Outcome, OutcomeKind, TaskError

MOST_RUNS = 3  # times that workers may be lost over one attempt
MOST_BREAKS = 5  # links that may break over one word
_POISON = kept("The worker's process ended each of the {count:d} times that this ran.")


def poisoned(count: int) -> Outcome:
    """The end of an attempt that ended its worker so many times."""
    return Outcome(kind=OutcomeKind.FAILED, error=TaskError("Poison", str(_POISON(count=count))), retry=False)
