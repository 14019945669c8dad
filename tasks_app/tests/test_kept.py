"""Parts of pages that are rendered once, and rows of tasks that have ended."""

from __future__ import annotations

import pytest
from django.template import Context, Template
from django.urls import set_script_prefix
from django.utils import translation

from tasks_app.templatetags import kept


@pytest.fixture
def part() -> Template:
    parts = "{{ other }}{{ who }}{% if admin %}!{% endif %}{% translate 'Tasks' %}"
    return Template("{% load i18n kept %}{% kept who admin %}" + parts + "{% endkept %}")


def test_a_part_is_rendered_once_for_each_value_it_is_kept_by(part: Template):
    assert part.render(Context({"who": "ann", "other": "1"})) == "1annTasks"
    assert part.render(Context({"who": "ann", "other": "2"})) == "1annTasks", "what it is not kept by must not stand in it"
    assert part.render(Context({"who": "bob", "other": "2"})) == "2bobTasks"
    assert part.render(Context({"who": "ann", "other": "3", "admin": object()})) == "3ann!Tasks"
    assert part.render(Context({"who": "ann", "other": "4", "admin": [0]})) == "3ann!Tasks"


def test_each_language_and_each_place_of_the_pages_has_its_own(part: Template):
    try:
        assert part.render(Context({"who": "", "other": "1"})) == "1Tasks"
        with translation.override("ru"):
            assert part.render(Context({"who": "", "other": "2"})) == "2Задачи"
        set_script_prefix("/elsewhere/")
        assert part.render(Context({"who": "", "other": "3"})) == "3Tasks"
    finally:
        set_script_prefix("/")


def test_what_stands_in_it_is_escaped_and_only_so_many_are_kept(part: Template):
    assert "&lt;b&gt;" in part.render(Context({"who": "<b>", "other": ""}))
    (node,) = part.nodelist.get_nodes_by_type(kept.Kept)
    assert isinstance(node, kept.Kept)
    for number in range(3 * kept.MOST):
        part.render(Context({"who": str(number), "other": ""}))
        assert len(node._made) <= kept.MOST
