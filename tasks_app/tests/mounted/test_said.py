"""What our pages say in another project where something went wrong."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from tasks_app import runtime
from tasks_app.mounted import said


def test_the_page_of_a_fault_asks_nobody_who_may_be_at_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("this is what is broken")

    monkeypatch.setattr(runtime, "get", broken)
    answer = said.broken(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert b"Something broke" in answer.content
