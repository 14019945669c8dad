"""Which language a page is in: what was chosen, else what the browser asks for, else English."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import AsyncClient, RequestFactory
from django.utils.translation import get_language
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_app import language
from tasks_app.language import COOKIE, chosen, of_socket
from tasks_app.runtime import Runtime
from tasks_app.tests.web.conftest import BROWSER, Browser, ByHtmx, Launch, text_of

RUSSIAN = {"accept-language": "ru"}


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru"),
        ("en-GB,en;q=0.9,ru;q=0.8", "en"),
        ("de-DE,de;q=0.9,ru;q=0.5", "ru"),
        ("de,fr", "en"),
        ("*", "en"),
        ("ru;q=0", "en"),
        ("RU", "ru"),
        ("ru;q=nonsense", "en"),
        ("\0\xff;;;,,,q=", "en"),
        ("ru" * 50_000, "en"),
        (", " * 50_000 + "ru", "en"),
    ],
)
def test_the_browser_is_given_the_first_language_there_is(accepted: str, wanted: str):
    assert chosen({}, accepted) == wanted


@pytest.mark.parametrize("nonsense", ["", "xx", "../../etc/passwd", "ru\n", "RU", "ru-RU", "<script>", "r" * 10_000])
def test_a_cookie_that_names_no_language_is_not_heard(nonsense: str):
    assert chosen({COOKIE: nonsense}, "ru") == "ru"
    assert chosen({COOKIE: nonsense}, "") == "en"


def test_what_was_chosen_stands_above_what_the_browser_asks_for():
    assert chosen({COOKIE: "en"}, "ru") == "en"
    assert chosen({COOKIE: "ru"}, "en") == "ru"


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=80), st.text(max_size=300))
def test_whatever_is_sent_there_is_a_language(cookie: str, accepted: str):
    assert chosen({COOKIE: cookie}, accepted) in ("en", "ru")


def scope(query: str = "", *headers: tuple[str, str]) -> dict[str, object]:
    return {"query_string": query.encode(), "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers]}


def test_a_socket_speaks_the_language_of_the_page_that_opened_it():
    assert of_socket(scope("language=ru&q=x", ("cookie", f"{COOKIE}=en"))) == "ru"
    assert of_socket(scope("q=x", ("cookie", f"{COOKIE}=ru"), ("accept-language", "en"))) == "ru"
    assert of_socket(scope("", ("accept-language", "ru"))) == "ru"
    assert of_socket(scope("language=xx")) == "en"
    assert of_socket(scope("language=%ff%00&language=", ("cookie", "\xff=;;=" * 100))) == "en"


async def test_a_page_says_its_language_and_what_it_depends_on(client: AsyncClient):
    page = await client.get("/", headers=RUSSIAN)
    assert '<html lang="ru">' in page.content.decode()
    assert page.headers["Content-Language"] == "ru"
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in page.headers["Vary"].split(",")}
    assert page.headers["Cache-Control"] == "no-store"


async def test_the_switch_names_each_language_in_itself_and_marks_the_present_one(client: AsyncClient):
    page = (await client.get("/", headers=RUSSIAN)).content.decode()
    assert '<button name="language" value="en" lang="en">English</button>' in page
    assert '<button name="language" value="ru" lang="ru" aria-current="true">Русский</button>' in page


async def test_a_choice_lasts_and_leads_back_to_the_same_page(client: AsyncClient):
    back = await client.post("/language", {"language": "ru"}, headers={"referer": "http://testserver/?q=type%3Acount"})
    assert (back.status_code, back.headers["Location"]) == (303, "/?q=type%3Acount")
    kept = back.cookies[COOKIE]
    assert (kept.value, kept["httponly"], kept["samesite"], kept["max-age"]) == ("ru", True, "Lax", 31_536_000)
    assert '<html lang="ru">' in (await client.get("/")).content.decode()


@pytest.mark.parametrize("wanted", ["xx", "", "ru\r\nSet-Cookie: a=b", "R" * 5000])
async def test_what_is_no_language_is_not_kept(client: AsyncClient, wanted: str):
    assert COOKIE not in (await client.post("/language", {"language": wanted})).cookies


@pytest.mark.parametrize(
    "before",
    [
        "",
        "http://evil.example/",
        "http://testserver//evil.example/",
        "http://testserver/nowhere",
        "http://testserver/logout",
        "javascript:x",
    ],
)
async def test_the_switch_leads_to_no_other_site_and_to_nothing_that_is_no_page(client: AsyncClient, before: str):
    back = await client.post("/language", {"language": "en"}, headers={"referer": before})
    assert back.headers["Location"] == "/"


async def test_the_switch_asks_for_the_token_of_the_page(runtime: Runtime):
    strict = Browser(enforce_csrf_checks=True)
    assert (await strict.post("/language", {"language": "ru"})).status_code == 403


async def test_refusals_toasts_and_error_pages_are_in_the_language_too(client: AsyncClient, htmx: ByHtmx, launch: Launch):
    task = launch(name="разогрев")
    nowhere = await client.get("/nowhere", headers=RUSSIAN)
    assert nowhere.status_code == 404
    assert "Здесь ничего нет" in text_of(nowhere.content.decode())
    refused = await client.post(f"/tasks/{task.id}/retry", headers=RUSSIAN)
    assert "Задача, которая в очереди, не может стать такой" in text_of(refused.content.decode())
    said = await client.post(f"/tasks/{task.id}/cancel", headers={**RUSSIAN, "HX-Request": "true"})
    assert "Задача count разогрев отменена." in text_of(said.content.decode())


async def test_what_is_wrong_with_a_form_is_said_in_the_language(client: AsyncClient):
    page = await client.post(
        "/launch/count", {"do": "launch", "params.to": "0", "params.interval": "x", "priority": "101"}, headers=RUSSIAN
    )
    said = text_of(page.content.decode())
    assert "Нужно 1 или больше." in said
    assert "Нужно число." in said
    assert "Нужно 100 или меньше." in said
    assert "Input should" not in said


async def test_programs_are_answered_in_english(client: AsyncClient, launch: Launch):
    task = launch(name="x")
    headers = {**RUSSIAN, "accept": "application/json", "cookie": f"{COOKIE}=ru"}
    for path in (
        f"/api/v2/tasks/{task.id}",
        "/api/v2/settings",
        "/api/v2/types",
        "/readyz",
        "/api/v2/openapi.json",
        f"/tasks/{task.id}",
        "/job/all",
    ):
        answer = (await AsyncClient().get(path, headers=headers)).content.decode()
        assert not any("а" <= letter <= "я" for letter in answer.lower()), path
    refused = await AsyncClient().post(
        "/api/v2/tasks", {"type": "count", "params": {"to": 0}}, content_type="application/json", headers=headers
    )
    assert refused.json()["errors"][0]["message"] == "Input should be greater than or equal to 1"


async def test_a_language_ends_with_its_request(client: AsyncClient):
    before = get_language()
    await client.get("/", headers=RUSSIAN)
    assert get_language() == before


def test_the_cookie_is_kept_whatever_the_answer_is():
    response = HttpResponse()
    language.keep(response, "ru")
    request = RequestFactory(headers=BROWSER).get("/", headers={"cookie": response.cookies.output(header="").strip()})
    assert request.COOKIES[COOKIE] == "ru"
