"""Templates rendered once and then filled."""

from __future__ import annotations

import pytest
from django.template.loader import get_template
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.presenters.stencil import filled

WHAT = "tasks/slots/what.html"


@given(st.text(), st.text(), st.text(), st.text())
def test_a_filled_stencil_is_what_the_template_renders(type_name, name, attempt, summary):
    values = {"url": "/tasks/1", "type": type_name, "name": name, "attempt": attempt, "summary": summary}
    assert filled(WHAT, **values) == get_template(WHAT).render(values).strip()


def test_a_value_that_looks_like_a_mark_is_only_text():
    assert "\ue000summary\ue001" in filled(WHAT, url="/", type="a", name="\ue000summary\ue001", attempt="", summary="hidden")


@pytest.mark.parametrize("flag", [True, False])
def test_flags_choose_branches(flag):
    html = filled(
        "tasks/slots/how.html", bar=False, measured=False, bad=flag, current="", total="", percent="", first="x", second="", number=1
    )
    assert ("data-bad" in html) is flag


def test_safe_text_is_put_in_as_it_is_and_other_text_is_escaped():
    html = filled("tasks/slots/when.html", first=mark_safe("<time>1</time>"), second="<b>")
    assert html == '<div><time>1</time></div><div class="second">&lt;b&gt;</div>'
