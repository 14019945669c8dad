"""What was launched of a type lately, to copy from."""

from __future__ import annotations

from django.utils.safestring import SafeString
from msgspec import Struct

from tasks_app.engine.query import Query
from tasks_app.presenters import times
from tasks_app.presenters.labels import summary
from tasks_app.runtime import Runtime

MOST = 6


class Recent(Struct, frozen=True):
    """One of them: its name, or its number where it has none."""

    id: str
    status: str
    name: str
    number: int
    summary: str
    launched: SafeString


def recent(runtime: Runtime, type_name: str) -> list[Recent]:
    """The newest launches of a type."""
    page = runtime.store.page(Query(types=frozenset({type_name})), MOST)
    return [Recent(t.id, t.status.value, t.name, t.number, summary(runtime, t), times.past(t.created_at)) for t in page.items]
