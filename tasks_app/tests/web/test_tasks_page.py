"""The Tasks page, as a browser without a script sees it."""

from __future__ import annotations

import re
from html import escape

import pytest
from django.test import AsyncClient

from tasks_app.engine import search as engine_search
from tasks_app.engine.query import parse_query
from tasks_app.presenters import ledger, rows
from tasks_app.runtime import Runtime
from tasks_app.tests.presenters.pages import SMUGGLED, smuggled_in
from tasks_app.tests.web.conftest import Launch, text_of
from tasks_app.web import pages


async def seen(client: AsyncClient, url: str = "/", status: int = 200) -> str:
    answer = await client.get(url)
    assert answer.status_code == status
    return answer.content.decode()


def names(html: str) -> list[str]:
    return re.findall(r"<bdi>(task \d+)</bdi>", html)


def names_of(html: str) -> list[str]:
    return re.findall(r"</strong><bdi>([^<]*)</bdi>", html)


def older(html: str) -> str:
    (url,) = re.findall(r'href="([^"]*)">Older<', html)
    return str(url).replace("&amp;", "&")


async def test_an_empty_store_teaches_what_to_do(client):
    html = await seen(client)
    assert "Nothing has run yet" in text_of(html)
    assert 'href="/launch"' in html
    assert "curl http://testserver/api/v2/tasks --json" in text_of(html)


async def test_the_newest_task_comes_first(client, launch):
    for number in range(3):
        launch(name=f"task {number}")
    assert names(await seen(client)) == ["task 2", "task 1", "task 0"]


async def test_a_row_is_the_row_of_the_socket(client, launch, runtime: Runtime):
    task = launch(name="task 1")
    assert rows.row_html(runtime, task) in await seen(client)


async def test_fifty_rows_a_page_and_links_to_older_and_newest(client, launch):
    for number in range(120):
        launch(name=f"task {number}")
    first = await seen(client)
    assert names(first) == [f"task {n}" for n in range(119, 69, -1)]
    assert "1 to 50 of 120, newest first" in text_of(first)
    assert ">Newest<" not in first
    second = await seen(client, older(first))
    assert names(second) == [f"task {n}" for n in range(69, 19, -1)]
    assert "51 to 100 of 120, newest first" in text_of(second)
    assert '<a class="link" href="/">Newest</a>' in second
    last = await seen(client, older(second))
    assert names(last) == [f"task {n}" for n in range(19, -1, -1)]
    assert ">Older<" not in last


async def test_counts_are_filters_and_keep_the_other_filters(client, launch, runtime: Runtime):
    for number in range(3):
        launch(name=f"task {number}", tags=["edge"])
    launch(name="task 9")
    runtime.engine.cancel(launch(name="task 5", tags=["edge"]).id)
    html = await seen(client, "/?tag=edge&q=task")
    assert 'href="/?status=cancelled&amp;tag=edge&amp;q=task" data-count="1"><b data-count-of="cancelled">1</b>' in html
    assert 'data-count="3"><b data-count-of="pending">3</b>' in html
    assert 'data-count="4"><b data-count-of="all">4</b>' in html
    assert names(await seen(client, "/?status=cancelled&tag=edge&q=task")) == ["task 5"]


def counts_of(html: str) -> dict[str, str]:
    return {name: count for name, count in re.findall(r'<b data-count-of="(\w+)">([^<]*)</b>', html) if count != "0"}


async def test_counts_are_of_what_the_search_finds(client, launch, runtime: Runtime):
    for number in range(3):
        launch(name=f"task {number}")
    runtime.engine.cancel(launch(name="other").id)
    runtime.engine.cancel(launch(name="task 9").id)
    assert counts_of(await seen(client, "/?q=name:task")) == {"all": "4", "pending": "3", "cancelled": "1"}
    html = await seen(client, "/?status=cancelled&q=name:task+-number:5")
    assert counts_of(html) == {"all": "3", "pending": "3"}
    assert "data-more" not in html
    assert "data-tally hidden" in html


async def test_counts_of_a_search_that_does_not_look_at_all_say_that_there_may_be_more(client, launch, runtime, monkeypatch):
    monkeypatch.setattr(engine_search, "MOST", 100)
    for number in range(190):
        task = launch(name="task")
        if number < 7:
            runtime.engine.cancel(task.id)
    html = await seen(client, "/?q=name:task")
    assert counts_of(html) == {"all": "107+", "pending": "100+", "cancelled": "7"}
    assert html.count("data-more") == 2
    assert "A number with + may be higher: of such tasks the newest were searched, 107 in all." in text_of(html)


async def test_whoever_asks_again_and_again_gets_the_rows_he_holds_in_their_order_and_how_many_came(client, launch, runtime: Runtime):
    tasks = [launch(name=f"task {number}") for number in range(4)]
    runtime.engine.delete(tasks[0].id)
    held = f"{runtime.epoch}.{tasks[1].number}.{tasks[0].number}.{tasks[2].number}"
    html = await seen(client, f"/?held={held}")
    assert names(html) == ["task 1", "task 2"]
    assert 'data-new="1"' in html
    for nobodys in (f"older{held}", "x", f"{held}.{'1.' * 60}"):
        assert names(await seen(client, f"/?held={nobodys}")) == ["task 3", "task 2", "task 1"]


async def test_a_chosen_count_leads_back_to_all(client, launch):
    launch()
    html = await seen(client, "/?status=pending")
    assert '<a href="/" aria-current="true" data-count="1"><b data-count-of="pending">' in html


async def test_each_filter_is_a_chip_that_can_be_removed(client, launch):
    launch(tags=["edge"])
    html = await seen(client, "/?type=count&tag=edge&tag=vpn")
    assert '<b>type:</b><bdi class="cut">count</bdi><a href="/?tag=edge&amp;tag=vpn" aria-label="Remove type:count">' in html
    assert '<b>tag:</b><bdi class="cut">vpn</bdi><a href="/?type=count&amp;tag=edge" aria-label="Remove tag:vpn">' in html
    assert '<input type="hidden" name="tag" value="vpn">' in html


async def test_words_search_names_params_and_tags(client, launch):
    launch(name="task 1")
    launch(name="other", tags=["edge"])
    html = await seen(client, "/?q=TASK+1")
    assert names(html) == ["task 1"]
    assert "1 found, newest first; searched 2" in text_of(html)
    assert 'value="TASK 1"' in html


async def test_a_search_says_how_far_it_looked_when_it_stopped_early(client, launch):
    for number in range(60):
        launch(name=f"task {number}")
    html = await seen(client, "/?q=task")
    assert len(names(html)) == 50
    assert re.search(r"50 found in 5\d searched, newest first", text_of(html))


async def test_no_match_names_what_to_drop_and_what_would_be_seen(client, launch):
    launch(name="here")
    html = await seen(client, "/?status=failed&tag=none&q=here")
    said = text_of(html)
    assert "No task matches all three" in said
    assert "1 task is held here" in said
    assert '<a href="/?tag=none&amp;q=here"><s><bdi>status:failed</bdi></s>none</a>' in html
    assert '<a class="button" href="/">Clear filters</a>' in html
    html = await seen(client, "/?q=here+-name:here")
    assert '<a href="/?q=here"><s><bdi>-name:here</bdi></s>1 task</a>' in html
    assert '<a href="/?q=-name%3Ahere"><s><bdi>here</bdi></s>none</a>' in html


async def test_a_search_that_found_nothing_so_far_leads_on_to_older_tasks(client, launch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine_search, "MOST", 100)
    for number in range(190):
        launch(name="new" if number else "old")
    html = await seen(client, "/?q=name:old")
    assert "No match among the newest 100 tasks" in text_of(html)
    (further,) = re.findall(r'<a class="button primary" href="([^"]*)">Search older tasks<', html)
    assert names_of(await seen(client, further.replace("&amp;", "&"))) == ["old"]


async def test_no_match_says_when_it_did_not_look_at_all(client, launch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pages, "MOST", 200)
    for number in range(190):
        launch(name="new" if number else "old")
    html = await seen(client, "/?q=old+nothere")
    assert "<s><bdi>nothere</bdi></s>none of the newest 100</a>" in html


@pytest.mark.parametrize(("url", "field"), [("/?status=nope", "status"), ("/?cursor=zzz", "cursor"), ("/?type=" + "x" * 201, "type")])
async def test_a_query_that_cannot_be_right_gets_a_sentence(client, url, field):
    said = text_of(await seen(client, url, 400))
    assert f"{field}: " in said
    assert "To the tasks" in said


async def test_a_search_that_is_too_long_is_said_beside_the_list(client):
    assert "The search must be at most 500 characters" in text_of(await seen(client, "/?q=" + "x" * 501))


async def test_the_page_says_where_to_listen(client, runtime: Runtime, launch):
    launch()
    html = await seen(client, "/?status=pending&q=a+b")
    assert f'data-live="/live/tasks?status=pending&amp;q=a+b" data-version="{runtime.store.version}"' in html
    assert f'data-epoch="{runtime.epoch}"' in html


async def test_without_a_script_the_connection_says_nothing(client):
    assert re.search(r'<span class="conn"[^>]*></span>', await seen(client))


@pytest.mark.parametrize("text", SMUGGLED)
async def test_what_users_wrote_is_text_on_the_page_and_in_the_search_box(client, launch, runtime: Runtime, text):
    launch(name=text.replace("\n", " "), type="ping", params={"address": "localhost"})
    before = (await seen(client)).count("<script")
    for url in ("/", f"/?tag={text[:40]}", f"/?q={text}"):
        html = (await client.get(url)).content.decode()
        assert html.count("<script") == before
        assert [found for found in smuggled_in(html) if found != "script"] == []
        assert "49" not in text_of(html) or "7*7" not in text


async def test_the_policy_for_content_is_strict(client):
    answer = await client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_only_get_is_answered(client):
    assert (await client.post("/")).status_code == 405


def test_counters_of_a_filter_agree_with_the_list(runtime: Runtime, launch: Launch):
    launch(tags=["a"])
    launch(tags=["b"])
    launch(type="ping", params={"address": "localhost"}, tags=["a"])
    assert ledger.counters(runtime)["all"] == 3
    assert ledger.counters(runtime, parse_query(tags=["a"]))["pending"] == 2
    assert ledger.counters(runtime, parse_query(tags=["a"], types=["ping"], statuses=["failed"]))["all"] == 1


async def test_the_page_knows_what_a_restart_means_for_its_tasks(
    client: AsyncClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "tasks it held only in memory are gone" in (await client.get("/")).content.decode()
    monkeypatch.setattr(runtime.engine.journal, "durable", True)
    assert "what waited waits again" in (await client.get("/")).content.decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stauts:failed", "No key is called stauts, so it filters nothing. Did you mean status?"),
        ("zzz:1", "No key is called zzz, so it filters nothing."),
        ("status:faled", "No status is called faled, so it filters nothing. Did you mean failed?"),
        ("created:soon", "cannot read created:soon"),
        ("error:", "needs a value behind error:"),
        ('"open', "has a quote that is not closed"),
        (" ".join("abcdefghijklmnopq"), "must be at most 16 words and terms"),
    ],
)
async def test_a_search_that_cannot_be_read_is_said_under_the_box_and_the_list_goes_on(client, launch, text, said):
    launch(type="count")
    answer = await client.get("/", {"q": text, "type": "count"})
    html = answer.content.decode()
    assert answer.status_code == 200, "what the page asks for where it has no socket is an answer like any other"
    assert said in text_of(html.split('id="search-wrong"')[1]).replace(" ?", "?")
    assert f'value="{escape(text)}"' in html
    assert 'data-live="/live/tasks?type=count"' in html
    assert html.count('role="row"') == 2  # its head, and the task


async def test_only_what_is_wrong_filters_nothing_and_its_chip_says_so(client, launch):
    launch(name="first")
    launch(name="second")
    answer = await client.get("/", {"q": "name:second sinse:2h"})
    html = answer.content.decode()
    assert names_of(html) == ["second"]
    assert '<span class="chip bad"><b>sinse:</b>' in html
    assert '<span class="chip"><b>name:</b>' in html
    assert 'data-live="/live/tasks?q=name%3Asecond"' in html
    assert 'href="/?q=name%3Asecond+since%3A2h"' not in html  # there is no key like it


async def test_what_may_have_been_meant_is_a_link(client):
    html = (await client.get("/", {"q": "-stauts:failed two", "tag": "a"})).content.decode()
    assert '<a href="/?tag=a&amp;q=-status%3Afailed+two">status</a>' in html


async def test_terms_are_chips_and_words_stay_in_the_box(client):
    html = await seen(client, "/?q=nightly+-tag:test+error:%22no+route%22+-slow")
    assert 'value="nightly -slow" maxlength' in html
    assert '<b>-tag:</b><bdi class="cut">test</bdi>' in html
    assert '<input type="hidden" name="q" value="error:&quot;no route&quot;">' in html
    assert 'href="/?q=nightly+error%3A%22no+route%22+-slow" aria-label="Remove -tag:test"' in html


async def test_what_a_form_without_a_script_sends_is_the_same_search(client, launch):
    launch(name="first", tags=["a"])
    launch(name="second", tags=["a"])
    assert names_of(await seen(client, "/?q=-name:first&q=tag:a&q=")) == ["second"]


async def test_a_status_typed_is_the_status_chosen(client, launch, runtime: Runtime):
    launch(name="first")
    runtime.engine.cancel(launch(name="second").id)
    html = await seen(client, "/?q=status:cancelled,FAILED+second")
    assert 'data-live="/live/tasks?status=cancelled&amp;status=failed&amp;q=second"' in html
    assert '<a href="/?status=cancelled&amp;q=second" aria-current="true"' in html


async def test_the_filter_can_be_exported_as_it_is(client):
    html = await seen(client, "/?status=failed&q=a+name:c")
    assert 'href="/api/v2/tasks/export?format=csv&amp;status=failed&amp;q=a+name%3Ac"' in html
    assert 'href="/api/v2/tasks/export?format=json&amp;status=failed&amp;q=a+name%3Ac"' in html


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "name:<img/src=x>", "\u202etxt:x", "x" * 600, "a:b:c:d", '-"-"', "-", ":", '""']
)
async def test_odd_searches_are_shown_as_they_are_and_harm_nothing(client, text):
    answer = await client.get("/", {"q": text})
    html = answer.content.decode()
    assert answer.status_code in (200, 400)
    assert "<script>alert" not in html
    assert "<img/src" not in html


async def test_the_search_box_understands_terms(client, launch):
    launch(type="count", name="first", tags=["a"])
    launch(type="count", name="second", tags=["b"])
    html = await seen(client, "/?q=type:count+-tag:a+name:second")
    assert "second" in html
    assert "first" not in text_of(html).replace("newest first", "").replace("Newest first", "")
