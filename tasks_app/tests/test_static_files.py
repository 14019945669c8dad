"""Files and pages in fewer bytes, and addresses under which browsers may keep files for good."""

from __future__ import annotations

import asyncio
import gzip
import re
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest

from tasks_app.packing import takes_gzip
from tasks_app.sheets import EVERY, SHEETS
from tasks_app.static_files import FOR_GOOD, StaticFiles, Storage, version
from tasks_app.tests.processes import ROOT
from tasks_app.tests.protection import protected
from tasks_app.tests.test_middleware import application, browser, config, now

__all__ = ["application", "browser", "config", "now"]  # fixtures
PACKED = {"accept-encoding": "gzip, deflate, br"}
PLAIN = {"accept-encoding": "identity"}


async def raw(browser: httpx.AsyncClient, path: str, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
    async with browser.stream("GET", path, headers=headers) as answer:
        return answer, b"".join([piece async for piece in answer.aiter_raw()])


async def test_pages_name_files_by_their_version_and_those_are_kept_for_good(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/")).text
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert len(named) > 10
    for path in named:
        assert path.startswith(f"/static/{version()}/"), path
        answer = await browser.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, FOR_GOOD), path
        protected(answer.headers, kept=True)


@pytest.mark.parametrize("folder", ["", "v000000000000/"])
async def test_another_version_gets_the_present_file_which_is_not_kept(browser: httpx.AsyncClient, folder: str) -> None:
    answer = await browser.get(f"/static/{folder}js/theme.js")
    assert answer.content == (ROOT / "static/js/theme.js").read_bytes()
    assert answer.headers["cache-control"] == "max-age=0, public"


@pytest.mark.parametrize(
    "path", ["v000000000000/", "v000000000000/nothing.js", "v000000000000/v000000000000/js/theme.js", "v1/js/theme.js"]
)
async def test_a_version_opens_no_other_way_to_files(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(f"/static/{path}")).status_code == 404


@pytest.mark.parametrize("name", ["js/theme.js", "css/controls.css", "vendor/htmx/htmx.min.js", "icon.svg"])
async def test_a_text_is_packed_for_whoever_takes_it_and_has_a_tag_of_its_own(browser: httpx.AsyncClient, name: str) -> None:
    whole = (ROOT / "static" / name).read_bytes()
    plain, body = await raw(browser, f"/static/{name}", PLAIN)
    assert (body, "content-encoding" in plain.headers, plain.headers["vary"]) == (whole, False, "Accept-Encoding")
    packed, fewer = await raw(browser, f"/static/{name}", PACKED)
    assert (gzip.decompress(fewer), packed.headers["content-encoding"], packed.headers["vary"]) == (whole, "gzip", "Accept-Encoding")
    assert len(fewer) < 0.85 * len(whole)
    assert packed.headers["content-length"] == str(len(fewer))
    assert packed.headers["etag"] != plain.headers["etag"]
    again, nothing = await raw(browser, f"/static/{name}", {**PACKED, "if-none-match": packed.headers["etag"]})
    assert (again.status_code, nothing, again.headers["etag"]) == (304, b"", packed.headers["etag"])
    head = await browser.head(f"/static/{name}", headers=PACKED)
    assert (head.headers["content-length"], head.content) == (packed.headers["content-length"], b"")


async def test_the_sheets_of_every_page_are_one_answer_in_their_order(browser: httpx.AsyncClient) -> None:
    whole = b"\n".join((ROOT / "static" / name).read_bytes() for name in SHEETS)
    plain, body = await raw(browser, f"/static/{EVERY}", PLAIN)
    assert (body, plain.headers["content-type"], plain.headers["cache-control"]) == (
        whole,
        'text/css; charset="utf-8"',
        "max-age=0, public",
    )
    packed, fewer = await raw(browser, f"/static/{version()}/{EVERY}", PACKED)
    assert (gzip.decompress(fewer), packed.headers["cache-control"]) == (whole, FOR_GOOD)
    again, nothing = await raw(browser, f"/static/{EVERY}", {**PACKED, "if-none-match": packed.headers["etag"]})
    assert (again.status_code, nothing, plain.headers["etag"] == packed.headers["etag"]) == (304, b"", False)
    assert (await browser.post(f"/static/{EVERY}")).status_code in (403, 405)


async def test_no_page_asks_for_one_of_those_sheets_by_itself(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/launch", "/types", "/pulse", "/settings", "/nowhere", "/api/v2/docs"):
        page = (await browser.get(path, headers={"accept": "text/html,application/xhtml+xml"})).text
        assert page.count(f"/{EVERY}") == 1, path
        assert not [name for name in SHEETS if f"/{name}" in page], path


def test_files_that_are_being_written_are_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = StaticFiles(lambda request: None)
    sheet = tmp_path / "sheet.css"
    sheet.write_text("one")
    monkeypatch.setattr(served, "autorefresh", True)
    monkeypatch.setattr(served, "_file", lambda path: SimpleNamespace(alternatives=[("", str(sheet), [])]))
    assert asyncio.run(served._every()).body == b"\n".join([b"one"] * len(SHEETS))
    sheet.write_text("two")
    assert asyncio.run(served._every()).body == b"\n".join([b"two"] * len(SHEETS))


async def test_a_part_of_a_file_is_a_part_of_the_file_itself(browser: httpx.AsyncClient) -> None:
    answer, body = await raw(browser, "/static/js/theme.js", {**PACKED, "range": "bytes=5-9"})
    assert (answer.status_code, body) == (206, (ROOT / "static/js/theme.js").read_bytes()[5:10])


async def test_a_page_is_packed_and_its_length_tells_nothing(browser: httpx.AsyncClient) -> None:
    plain, body = await raw(browser, "/launch", PLAIN)
    assert "content-encoding" not in plain.headers
    assert b"<!doctype html>" in body
    lengths = set()
    for _ in range(20):
        packed, fewer = await raw(browser, "/launch", PACKED)
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["content-length"] == str(len(fewer))
        assert "Accept-Encoding" in packed.headers["vary"]
        assert len(gzip.decompress(fewer)) == len(body)
        lengths.add(len(fewer))
    assert len(lengths) > 3


@pytest.mark.parametrize("path", ["/api/v2/tasks", "/metrics", "/healthz", "/api/v2/openapi.json"])
async def test_what_programs_read_keeps_its_bytes(browser: httpx.AsyncClient, path: str) -> None:
    answer, _ = await raw(browser, path, PACKED)
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("accepts", "takes"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip;q=0.001", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0, br", False),
        ("br, gzip ; q=0.000", False),
        ("identity", False),
        ("x-gzip-not", False),
        ("", False),
        ("*", False),
    ],
)
def test_who_takes_packed_answers_says_so(accepts: str, takes: bool) -> None:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = accepts
    assert takes_gzip(request) is takes


def test_another_byte_in_a_file_is_another_version(tmp_path: Path, settings) -> None:
    (tmp_path / "one.css").write_text("a{}")
    settings.STATICFILES_DIRS = [tmp_path]
    found = []
    for text in ("a{}", "b{}", "b{}"):
        (tmp_path / "one.css").write_text(text)
        found.append(version.__wrapped__())
    assert found[0] != found[1] == found[2]


def test_while_templates_are_written_files_keep_their_plain_names() -> None:
    assert Storage(versioned=False).url("css/base.css") == "/static/css/base.css"
    assert staticfiles_storage.url("css/base.css") == f"/static/{version()}/css/base.css"
