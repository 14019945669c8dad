"""The launch form: what it shows, what it refuses, what it starts."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import AsyncClient

from tasks_app.engine.task import Task
from tasks_app.runtime import Runtime
from tasks_app.tests.presenters.pages import SMUGGLED, smuggled_in
from tasks_app.tests.web.conftest import ByHtmx, Launch, problem, text_of, value

GOOD = {
    "params.word": "abc",
    "params.free": "any",
    "params.whole": "5",
    "params.share": "0.5",
    "params.flag": "on",
    "params.colour": '"blue"',
    "params.level": "2",
    "params.maybe": "",
    "params.token": "hunter2",
    "params.numbers": "[1, 2]",
    "params.account": "",
}


async def shown(client: AsyncClient, url: str = "/launch/formed", status: int = 200) -> str:
    answer = await client.get(url)
    assert answer.status_code == status
    return answer.content.decode()


async def refused(client: AsyncClient | ByHtmx, runtime: Runtime, form: dict[str, str], status: int = 422) -> str:
    answer = await client.post("/launch/formed", form)
    assert answer.status_code == status
    assert len(runtime.store) == 0
    return answer.content.decode()


def only(runtime: Runtime) -> Task:
    (task,) = runtime.store.many(range(1, 100))
    return task


async def test_types_to_choose_from_are_those_that_people_may_launch(client):
    html = await shown(client, "/launch")
    assert 'href="/launch/ping"' in html
    assert 'href="/launch/internal"' not in html


async def test_the_form_is_made_from_the_params_model(client):
    html = await shown(client)
    assert value(html, "params.whole") == "5"
    assert 'type="number" step="1" min="1" max="10"' in html
    assert 'pattern=".*(?:^[a-z]+$).*" required=""' in html
    assert '<option value="&quot;red&quot;" selected>red</option>' in html
    assert 'type="password"' in html
    assert "A whole number" in html
    assert "1 to 10, default 5" in text_of(html)
    assert "[1]</textarea>" in html


async def test_a_good_form_launches_and_opens_the_task(client, runtime):
    options = {
        "name": "First",
        "tags": "edge vpn",
        "priority": "5",
        "timeout": "2.5",
        "max_attempts": "4",
        "start": "2099-01-01T10:00",
        "start_offset": "+02:00",
    }
    answer = await client.post("/launch/formed", GOOD | options)
    task = only(runtime)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/tasks/{task.id}")
    params = json.loads(task.params)
    assert (params["word"], params["colour"], params["level"], params["maybe"], params["numbers"]) == ("abc", "blue", 2, None, [1, 2])
    assert (task.name, task.tags, task.priority, task.timeout, task.max_attempts) == ("First", ("edge", "vpn"), 5, 2.5, 4)
    assert task.scheduled_for == 4_070_937_600.0
    assert task.via == "dashboard"
    assert b"hunter2" not in task.params
    assert b"hunter2" in (task.secrets or b"")


async def test_htmx_is_sent_to_the_task(htmx, runtime):
    answer = await htmx.post("/launch/formed", GOOD)
    assert answer.headers["HX-Redirect"] == f"/tasks/{only(runtime).id}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("params.word", ""),
        ("params.word", "a"),
        ("params.word", "ABC"),
        ("params.whole", "0"),
        ("params.whole", "11"),
        ("params.whole", "five"),
        ("params.whole", "9" * 5000),
        ("params.share", "1"),
        ("params.share", "nan"),
        ("params.share", "1e999"),
        ("params.colour", '"green"'),
        ("params.colour", "red"),
        ("params.level", "4"),
        ("params.numbers", "[1,2,3,4]"),
        ("params.numbers", '["a"]'),
        ("params.numbers", "{"),
        ("params.account", '{"user": 5}'),
        ("name", "x" * 201),
        ("name", "two\nlines"),
        ("tags", "x" * 51),
        ("priority", "101"),
        ("priority", "high"),
        ("timeout", "0"),
        ("timeout", "soon"),
        ("max_attempts", "51"),
        ("start", "tomorrow"),
        ("start", "2099-13-01T00:00"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_input_and_what_was_typed_stays(client, runtime, name, text):
    html = await refused(client, runtime, GOOD | {name: text})
    assert problem(html, name)
    others = [other for other in (*GOOD, "name", "tags") if other != name]
    assert not any(problem(html, other) for other in others)
    if name not in ("params.colour", "params.level", "params.numbers", "params.account"):
        assert value(html, name) == text
    assert value(html, "params.free") == "any"
    assert "hunter2" not in html


async def test_everything_that_is_wrong_is_said_at_once(client, runtime):
    html = await refused(client, runtime, GOOD | {"params.word": "", "params.whole": "0", "max_attempts": "0"})
    assert problem(html, "params.word")
    assert problem(html, "params.whole")
    assert problem(html, "max_attempts")
    assert "3 things to mend." in text_of(html)


async def test_a_param_nobody_knows_is_refused_by_name(client, runtime):
    html = await refused(client, runtime, GOOD | {"params.surprise": "1"})
    assert "params.surprise: There is no such field." in text_of(html)


async def test_htmx_gets_the_panel_alone(htmx, runtime):
    html = await refused(htmx, runtime, GOOD | {"params.whole": "0"})
    assert html.lstrip().startswith('<section class="sheet')
    assert problem(html, "params.whole")


async def test_a_double_click_launches_once(client, runtime):
    key = value(await shown(client), "idempotency_key")
    answers = [await client.post("/launch/formed", GOOD | {"idempotency_key": key}) for _ in range(2)]
    assert len(runtime.store) == 1
    assert answers[0].headers["Location"] == answers[1].headers["Location"]


async def test_a_form_changed_after_its_launch_is_asked_once_more_with_another_key(client, runtime):
    key = value(await shown(client), "idempotency_key")
    await client.post("/launch/formed", GOOD | {"idempotency_key": key})
    answer = await client.post("/launch/formed", GOOD | {"params.word": "other", "idempotency_key": key})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "has launched a task already" in text_of(html)
    again = await client.post("/launch/formed", GOOD | {"params.word": "other", "idempotency_key": value(html, "idempotency_key")})
    assert again.status_code == 303
    assert len(runtime.store) == 2


async def test_params_as_json(client, runtime):
    html = await shown(client, "/launch/formed?as=json&params.word=abc")
    shown_params = json.loads(html.split('<textarea id="params"')[1].split(">", 1)[1].split("</textarea>")[0].replace("&quot;", '"'))
    assert shown_params["word"] == "abc"
    assert "token" not in shown_params
    answer = await client.post("/launch/formed", {"as": "json", "params": '{"word": "abc", "whole": 3}', "name": "as JSON"})
    assert answer.status_code == 303
    assert json.loads(only(runtime).params)["whole"] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This is not JSON"),
        ('{"whole": NaN}', "NaN"),
        ("[]", ""),
        ("[" * 100_000, "nested too deeply"),
        ('{"word": "abc", "whole": 11}', "whole: Must be 10 or less."),
        ('{"word": "abc", "surprise": 1}', "surprise: There is no such field."),
        ("{}", "word: This has to be filled in."),
    ],
)
async def test_wrong_json_is_said_beside_it(client, runtime, text, said):
    html = await refused(client, runtime, {"as": "json", "params": text})
    assert said in problem(html, "params")
    assert problem(html, "params")


async def test_the_form_can_be_turned_to_json_and_back(client, runtime):
    answer = await client.post("/launch/formed", GOOD | {"do": "json", "name": "kept"})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "&quot;word&quot;: &quot;abc&quot;" in html
    assert "hunter2" not in html
    assert value(html, "name") == "kept"
    answer = await client.post("/launch/formed", {"as": "json", "params": '{"word": "xyz", "flag": false}', "do": "form"})
    html = answer.content.decode()
    assert value(html, "params.word") == "xyz"
    assert 'name="params.flag" checked' not in html
    assert len(runtime.store) == 0


async def test_broken_json_stays_where_it_can_be_mended(client, runtime):
    html = await refused(client, runtime, {"as": "json", "params": "{oops", "do": "form"})
    assert "{oops</textarea>" in html


async def test_the_link_opens_the_form_filled_in_and_holds_no_secret(client, runtime):
    answer = await client.post("/launch/formed", GOOD | {"do": "link", "name": "a & b", "params.flag": ""})
    url = answer.headers["Location"]
    assert "hunter2" not in url
    given = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    assert given["params.word"] == "abc"
    html = await shown(client, url)
    assert value(html, "params.word") == "abc"
    assert value(html, "name") == "a & b"
    assert 'name="params.flag" checked' not in html


async def test_a_recent_launch_fills_the_form_but_its_secrets(client, runtime, launch: Launch):
    params = {"word": "abc", "whole": 9, "token": "hunter2", "account": {"user": "ann", "password": "hunter3"}}
    task = launch(type="formed", params=params, name="Old", tags=["edge"], priority=3)
    assert f'href="/launch/formed?from={task.id}"' in await shown(client)
    html = await shown(client, f"/launch/formed?from={task.id}")
    assert (value(html, "params.word"), value(html, "params.whole"), value(html, "name"), value(html, "tags")) == (
        "abc",
        "9",
        "Old",
        "edge",
    )
    assert "hunter" not in html
    assert "****" not in html.split('<form class="form"')[1]
    assert "A secret is not copied" in text_of(html)
    answer = await client.post("/launch/formed", GOOD | {"from": task.id})
    assert runtime.store.get(answer.headers["Location"].removeprefix("/tasks/")).rerun_of == task.id


async def test_from_leads_to_the_form_of_its_type(client, launch: Launch):
    task = launch()
    answer = await client.get(f"/launch?from={task.id}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/launch/count?from={task.id}")


async def test_typing_is_checked_without_blame_for_what_is_still_empty(htmx: ByHtmx, runtime):
    answer = await htmx.post("/launch/formed/check", GOOD | {"params.word": "", "params.whole": "11"})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert problem(html, "params.whole") == "Must be 10 or less."
    assert problem(html, "params.word") == ""
    assert html.count('hx-swap-oob="innerHTML"') == html.count("hx-swap-oob")
    assert len(runtime.store) == 0


@pytest.mark.parametrize("name", ["nope", "internal", "a%2Fb"])
async def test_a_type_that_cannot_be_launched_is_404(client, name):
    for url in (f"/launch/{name}", f"/launch/{name}/check"):
        answer = await client.post(url, GOOD)
        assert answer.status_code == 404


async def test_a_full_server_leaves_the_form_as_it_is_and_says_so_beside_it(htmx: ByHtmx, launch: Launch):
    for _ in range(200):
        launch()
    answer = await htmx.post("/launch/formed", GOOD)
    assert answer.status_code == 503
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#said", "innerHTML show:none")
    assert answer.content.decode().startswith('<p class="toast"')


async def test_a_full_server_says_503_and_when_to_come_back(client, runtime, launch: Launch):
    for _ in range(200):
        launch()
    answer = await client.post("/launch/formed", GOOD)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "200 tasks are waiting" in text_of(answer.content.decode())


@pytest.mark.parametrize("text", SMUGGLED)
async def test_what_was_typed_comes_back_as_text(client, runtime, text):
    form = GOOD | {
        "params.word": text,
        "params.free": text,
        "name": text,
        "tags": text,
        "params.numbers": text,
        "params.surprise": text,
        "priority": text,
    }
    before = (await shown(client)).count("<script")
    html = await refused(client, runtime, form)
    assert html.count("<script") == before
    assert [found for found in smuggled_in(html) if found != "script"] == []


async def test_launching_wants_a_token(runtime):
    browser = AsyncClient(enforce_csrf_checks=True)
    for url in ("/launch/formed", "/launch/formed/check"):
        assert (await browser.post(url, GOOD)).status_code == 403
    assert len(runtime.store) == 0


async def test_types_are_found_by_words_of_what_they_do_also_without_a_script(client, runtime):
    html = (await client.get("/launch", {"q": "tcp PROBE"})).content.decode()
    assert 'href="/launch/ping"' in html
    assert 'href="/launch/count"' not in html
    nothing = (await client.get("/launch", {"q": "<script>x" * 500})).content.decode()
    assert "No type fits these words." in nothing
    assert "<script>x" not in nothing
