"""What the search box proposes: keys, then values with their counts; little, quickly, and nothing that could do harm."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from tasks_app.engine.grammar import pieces, term_of
from tasks_app.engine.launch import parse_launch
from tasks_app.engine.query import Query
from tasks_app.presenters.completion import MOST
from tasks_app.runtime import Runtime
from tasks_app.tests.engine.records import a_task


async def proposed(client: Any, word: str, more: str = "") -> list[tuple[str, str]]:
    """(what takes the word's place, what is said beside it) of all that is shown."""
    answer = await client.get(f"/search/completion?word={quote(word)}{more}")
    assert answer.status_code == 200
    shown = re.sub(r"<ul[^>]*? hidden>.*?</ul>", "", answer.content.decode(), flags=re.DOTALL)
    found = re.findall(r'data-take="([^"]*)".*?<span>([^<]*)</span></li>', shown)
    return [(unescape(take), unescape(said)) for take, said in found]


async def takes(client: Any, word: str, more: str = "") -> list[str]:
    return [take for take, _ in await proposed(client, word, more)]


async def test_keys_come_first_those_that_begin_so_before_others(client, launch):
    launch()
    found = await proposed(client, "t")
    assert found[:2] == [("type:", "1 value"), ("tag:", "0 values")]
    assert ("status:", "9 values") in found
    assert ("created:", "a time") in found


async def test_fields_of_the_chosen_types_are_keys_too(client):
    assert "to:" in await takes(client, "to", "&type=count")
    assert "address:" not in await takes(client, "addr", "&type=count")
    assert "address:" in await takes(client, "addr")
    assert "Fields of ping" in (await client.get("/search/completion?word=addr&type=ping")).content.decode()


async def test_values_of_the_first_key_stand_beside_it_and_those_of_others_wait(client, launch):
    launch(tags=["storm"])
    html = (await client.get("/search/completion?word=st")).content.decode()
    assert 'data-values-of="status"' in html
    assert "status:completed " in await takes(client, "st")
    html = (await client.get("/search/completion?word=t")).content.decode()
    assert 'data-values-of="tag" hidden' in html


async def test_statuses_are_counted_among_what_the_other_filters_leave(client, launch, runtime: Runtime):
    launch(tags=["a"])
    runtime.engine.cancel(launch(tags=["b"]).id)
    assert ("status:cancelled ", "1") in await proposed(client, "status:can")
    assert ("status:cancelled ", "0") in await proposed(client, "status:can", "&tag=a")
    assert ("status:cancelled ", "1") in await proposed(client, "status:can", "&status=pending&q=nowhere")


async def test_tags_in_use_are_proposed_the_most_used_first(client, launch, runtime: Runtime):
    for tags in (["night", "north"], ["north"], ["south"]):
        launch(tags=tags)
    assert await proposed(client, "tag:n") == [("tag:north ", "2"), ("tag:night ", "1")]
    for task in runtime.store.many(runtime.store.numbers(Query())):
        runtime.engine.delete(task.id)
    assert await proposed(client, "tag:n") == []


async def test_who_launched_and_through_which_door_are_proposed(client, launch, runtime: Runtime):
    for by, via in (("Mira", "api"), ("Mira", "dashboard"), ("Anton", "api")):
        runtime.engine.submit(parse_launch({"type": "count"}), by=by, via=via)
    assert await proposed(client, "by:m") == [("by:Mira ", "2")]
    assert await proposed(client, "via:") == [("via:api ", "2"), ("via:dashboard ", "1")]


@pytest.mark.parametrize(
    ("word", "take"),
    [
        ("-status:fa", "-status:failed "),
        ("status:failed,inter", "status:failed,interrupted "),
        ("-st", "-status:"),
        ('tag:"eu w', 'tag:"eu west" '),
        ("duration:", "duration:>10s "),
        ("created:>1", "created:>1h "),
        ("STATUS:fai", "status:failed "),
    ],
)
async def test_a_proposal_is_written_as_the_box_wants_it(client, launch, runtime: Runtime, word: str, take: str):
    runtime.store.add([a_task(runtime.store.next_number(), tags=("eu west",))])
    found = await takes(client, word)
    assert take in found
    for one in found:
        assert one.endswith(":") or [term_of(piece, 0.0) for piece in pieces(one)]


async def test_today_begins_where_the_reader_is(client):
    (today, *_rest) = await takes(client, "created:", "&zone=%2B02:00")
    assert re.fullmatch(r"created:>=\d{4}-\d\d-\d\dT00:00\+02:00 ", today)
    (today, *_rest) = await takes(client, "created:")
    assert re.fullmatch(r"created:>=\d{4}-\d\d-\d\d ", today)


async def test_never_more_than_a_few_however_many_there_are(client, launch):
    for number in range(40):
        launch(tags=[f"n{number}", f"m{number}"])
    assert len(await takes(client, "tag:")) == MOST
    assert len(await takes(client, "tag:n")) == MOST


@pytest.mark.parametrize("word", ["<script>", "x" * 10_000, "\u202e", '"', "a:b:c", "::", "-", "", "status:<b>", "tag:%00"])
@pytest.mark.parametrize("more", ["", "&type=%3Cscript%3E&status=odd&zone=xx", "&q=%22open", "&zone=%2B99:99"])
async def test_odd_words_get_no_proposals_or_harmless_ones(client, launch, word: str, more: str):
    launch(tags=["a"])
    html = (await client.get(f"/search/completion?word={quote(word)}{more}")).content.decode()
    assert "<script" not in html
    assert "<b>" not in re.sub(r'<b class="cut">', "", html)
    assert len(html) < 20_000
