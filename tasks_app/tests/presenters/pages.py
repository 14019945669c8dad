"""What tests of the Task page share: a runtime that stands still, lives of tasks, and a reader of HTML that finds what was smuggled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser

from hypothesis import settings

from tasks_app.conf import get_config
from tasks_app.engine import task as t
from tasks_app.engine.task import Outcome, OutcomeKind, Status, Task, TaskError
from tasks_app.runtime import Runtime
from tasks_app.tests.engine.records import CANCELLED, DONE, FAILED, INTERRUPTED, a_task, begun, cancelling

UNHURRIED = settings(deadline=None)  # machines are shared: how long an example takes says nothing
UUID = "01935f2c-7b1e-4000-8000-{:012}"
ABANDONED = Outcome(kind=OutcomeKind.CANCELLED, error=TaskError("Abandoned", "Its code may still be running."))
TIMED_OUT = Outcome(kind=OutcomeKind.TIMED_OUT, error=TaskError("Timeout", "Timed out after 5 s"))
SMUGGLED = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'--></title></pre></q></bdi><svg/onload=alert(1)>",
    '" autofocus onfocus="alert(1)',
    "javascript:alert(1)",
    "{{ 7|add:7 }}{% now 'Y' %}{0}{}{name}%s%(x)s",
    "\u202eright-to-left\u2066",
)


@contextmanager
def still() -> Iterator[Runtime]:
    """A runtime whose engine never starts: tasks stay as they are put."""
    runtime = Runtime(get_config())
    try:
        yield runtime
    finally:
        runtime.stop()


def lives() -> dict[str, Callable[[], Task]]:
    """Tasks in every status, and in each state that a page shows differently."""
    first = begun(a_task(1, max_attempts=3))
    early = t.progressed(first, current=2, total=12, message="Two", monotonic=12.0)
    waits = t.retry_planned(first, FAILED, monotonic=12.0, due_at=70.0)
    second = t.started(t.due(waits, at=70.0), at=71.0, monotonic=21.0)
    asked = t.cancel_requested(second, by="ann", reason="no more", at=80.0, monotonic=30.0)
    return {
        "scheduled": lambda: a_task(1, Status.SCHEDULED),
        "pending": lambda: a_task(1),
        "processing": lambda: first,
        "with progress": lambda: t.progressed(early, current=3, total=12, message="Three", monotonic=13.0),
        "without total": lambda: t.progressed(first, current=3, total=None, message="", monotonic=13.0),
        "at zero": lambda: t.progressed(first, current=0, total=12, message="", monotonic=13.0),
        "retrying": lambda: waits,
        "second attempt": lambda: second,
        "cancelling": lambda: asked,
        "stuck": lambda: t.stuck(asked),
        "forced": lambda: t.cancel_forced(t.stuck(asked)),
        "completed": lambda: t.finished(second, DONE, monotonic=40.0),
        "failed": lambda: t.finished(second, FAILED, monotonic=40.0),
        "timed out": lambda: t.finished(second, TIMED_OUT, monotonic=40.0),
        "cancelled": lambda: t.finished(cancelling(), CANCELLED, monotonic=40.0),
        "cancelled while it waited": lambda: t.cancel_requested(a_task(1), by="", reason="", at=60.0, monotonic=10.0),
        "cancelled between attempts": lambda: t.cancel_requested(waits, by="ann", reason="", at=66.0, monotonic=16.0),
        "abandoned": lambda: t.finished(t.cancel_forced(asked), ABANDONED, monotonic=40.0, abandoned=True),
        "interrupted": lambda: t.finished(second, INTERRUPTED, monotonic=40.0),
        "interrupted while it waited": lambda: t.interrupted(a_task(1), at=60.0),
        "retried by hand": lambda: t.retried(t.finished(second, FAILED, monotonic=40.0), at=400.0),
    }


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def smuggled_in(html: str) -> list[str]:
    """What must never come of a user's text: elements that run or load something, handlers, inline styles, links that are programs."""
    reader = Reader(html)
    found = [tag for tag in reader.tags if tag in ("img", "iframe", "object", "embed", "style", "base")]
    found += [name for name, _ in reader.attributes if name.startswith("on") or name in ("style", "autofocus")]
    found += [
        value for name, value in reader.attributes if name in ("href", "src", "formaction") and value.lower().startswith("javascript")
    ]
    return found + ["script"] * reader.tags.count("script")
