"""Downloads from real web servers: whole, cut, lying, endless; and what is left in the folder."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.task import OutcomeKind
from tasks_app.handlers import _part
from tasks_app.handlers import download as module
from tasks_app.handlers._part import Part, clean_name
from tasks_app.handlers.download import DownloadParams, download
from tasks_app.tests.handlers.conftest import Serve, Serving
from tasks_app.tests.handlers.running import Attempt, execute, sockets_to, until

BODY = bytes(range(256)) * 8192  # 2 MiB
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
async def root(site: Serving) -> str:
    routes = web.RouteTableDef()

    @routes.get("/files/{name}")
    async def whole(request: web.Request) -> web.Response:
        return web.Response(body=BODY)

    @routes.get("/chunked")
    async def chunked(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for start in range(0, len(BODY), 100_000):
            await response.write(BODY[start : start + 100_000])
        return response

    @routes.get("/endless")
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)

    @routes.get("/stalls")
    async def stalls(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000000"})
        await response.prepare(request)
        await response.write(b"x" * 10_000)
        await asyncio.sleep(60)
        return response

    @routes.get("/packed")
    async def packed(request: web.Request) -> web.Response:
        return web.Response(body=b"not even gzip", headers={"Content-Encoding": "gzip"})

    @routes.get("/empty")
    async def empty(request: web.Request) -> web.Response:
        return web.Response()

    @routes.get("/status/{status}")
    async def status(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), text="secret banner")

    @routes.get("/redirect")
    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound("/files/other.bin")

    return await site(routes)


def left(folder: Path) -> list[str]:
    """The names of all that is in the folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


async def test_a_whole_file_is_kept_with_its_checksum(root: str, folder: Path):
    ran = await execute(download, {"url": f"{root}/files/city.bin", "sha256": SHA256.upper()})
    assert ran.completed, ran.outcome
    assert (ran.result["file"], ran.result["bytes"], ran.result["sha256"]) == ("city.bin", len(BODY), SHA256)
    assert (folder / "city.bin").read_bytes() == BODY
    assert left(folder) == ["city.bin"]
    assert ran.headline[0].startswith("2.10 MB, ")
    assert ran.headline[1] == f"city.bin · sha256 {SHA256[:12]}…"


async def test_progress_is_in_bytes_and_words(root: str, folder: Path):
    ran = await execute(download, {"url": f"{root}/files/city.bin"})
    assert ran.reports[0] == (0, None, "Starting")
    assert ran.reports[-1][:2] == (len(BODY), len(BODY))
    assert ran.reports[-1][2].startswith("2.10 of 2.10 MB, ")
    assert ran.reports[-1][2].endswith("B/s")


async def test_a_body_of_unannounced_length_has_no_total(root: str, folder: Path):
    ran = await execute(download, {"url": f"{root}/chunked"})
    assert ran.completed
    assert (folder / "chunked").read_bytes() == BODY
    assert {total for _, total, _ in ran.reports} == {None}


async def test_an_empty_file_is_a_file(root: str, folder: Path):
    ran = await execute(download, {"url": f"{root}/empty"})
    assert ran.result["bytes"] == 0
    assert left(folder) == ["empty"]


async def test_what_is_packed_stays_packed(root: str, folder: Path):
    await execute(download, {"url": f"{root}/packed"})
    assert (folder / "packed").read_bytes() == b"not even gzip"


async def test_a_taken_name_gets_a_number_and_nothing_is_overwritten(root: str, folder: Path):
    folder.mkdir()  # noqa: ASYNC240
    (folder / "city.bin").write_text("mine")
    (folder / "city-2.bin").symlink_to(folder / "nowhere")
    ran = await execute(download, {"url": f"{root}/files/other", "filename": "city.bin"})
    assert ran.result["file"] == "city-3.bin"
    assert (folder / "city.bin").read_text() == "mine"
    assert left(folder) == ["city-2.bin", "city-3.bin", "city.bin"]


async def test_two_downloads_of_one_name_do_not_meet(root: str, folder: Path):
    params = {"url": f"{root}/files/city.bin"}
    ran = await asyncio.gather(*(execute(download, params, task_id=f"task-{number}") for number in range(6)))
    assert sorted(one.result["file"] for one in ran) == left(folder)
    assert all((folder / name).read_bytes() == BODY for name in left(folder))
    assert len(left(folder)) == 6


async def test_a_wrong_checksum_ends_the_task_and_the_file(root: str, folder: Path):
    ran = await execute(download, {"url": f"{root}/files/city.bin", "sha256": "0" * 64})
    assert ran.kind == "ChecksumMismatch"
    assert ran.outcome is not None
    assert not ran.outcome.retry
    assert ran.message == f"The file has the SHA-256 {SHA256}, not {'0' * 64}"
    assert left(folder) == []


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 5000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1388\r\n"],
    ids=["length", "chunked"],
)
async def test_a_cut_body_is_truncated_and_not_kept(serve: Serve, folder: Path, head: bytes):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"x" * 1000)

    port = await serve(handle)
    ran = await execute(download, {"url": f"http://127.0.0.1:{port}/a.bin"})
    assert ran.kind == "Truncated"
    assert "a.bin broke off after " in ran.message
    assert left(folder) == []


async def test_a_reset_in_the_middle_leaves_nothing(serve: Serve, folder: Path):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 1000)
        await writer.drain()
        writer.transport.abort()

    port = await serve(handle)
    ran = await execute(download, {"url": f"http://127.0.0.1:{port}/a.bin"})
    assert ran.kind in ("Truncated", "Unreachable")
    assert left(folder) == []


async def test_more_bytes_than_allowed_are_refused_as_soon_as_it_is_known(root: str, folder: Path):
    for path in ("files/city.bin", "chunked", "endless"):
        ran = await execute(download, {"url": f"{root}/{path}", "max_bytes": 1_000_000})
        assert (ran.kind, ran.message) == ("TooLarge", "The file has more than the 1.00 MB allowed")
        assert ran.outcome is not None
        assert not ran.outcome.retry
    assert left(folder) == []


async def test_an_announced_size_above_the_limit_is_refused_before_the_first_byte(serve: Serve, folder: Path):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20000000000\r\n\r\n")
        await reader.read()

    port = await serve(handle)
    ran = await execute(download, {"url": f"http://127.0.0.1:{port}/huge"})
    assert (ran.kind, ran.message) == ("TooLarge", "The file has more than the 10.74 GB allowed")


async def test_a_file_of_just_the_allowed_size_is_kept(root: str, folder: Path):
    assert (await execute(download, {"url": f"{root}/chunked", "max_bytes": len(BODY)})).completed


async def test_silence_in_the_middle_is_given_up(root: str, folder: Path):
    ran = await execute(download, {"url": f"{root}/stalls", "timeout": 1.5})
    assert (ran.kind, ran.message) == ("Timeout", f"{root}/stalls sent nothing for 1.5 s")
    assert left(folder) == []


async def test_a_byte_now_and_then_does_not_keep_a_download_alive(serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "WATCHED", 0.4)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    url = f"http://127.0.0.1:{await serve(handle)}/a"
    ran = await execute(download, {"url": url, "timeout": 60})
    assert (ran.kind, ran.message) == ("TooSlow", f"{url} sends less than 1.0 kB/s")
    assert left(folder) == []


async def test_headers_that_trickle_do_not_keep_a_download_alive(serve: Serve, folder: Path):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    url = f"http://127.0.0.1:{await serve(handle)}/a"
    ran = await execute(download, {"url": url, "timeout": 0.5})
    assert (ran.kind, ran.message) == ("Timeout", f"{url}: no answer within 0.5 s")


async def test_a_flood_that_is_no_body_does_not_keep_a_download_alive(serve: Serve, folder: Path):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5;")
        while True:
            writer.write(b"extension" * 1000)
            await writer.drain()

    url = f"http://127.0.0.1:{await serve(handle)}/a"
    ran = await execute(download, {"url": url, "timeout": 1.5})
    assert (ran.kind, ran.message) == ("Timeout", f"{url} sent nothing for 1.5 s")
    assert left(folder) == []


def test_no_download_goes_on_for_ever():
    assert download.timeout == 86_400


@pytest.mark.parametrize(("status", "retry"), [(404, False), (403, False), (206, False), (429, True), (503, True)])
async def test_another_status_fails_and_says_whether_to_try_again(root: str, folder: Path, status: int, retry: bool):
    ran = await execute(download, {"url": f"{root}/status/{status}?key=hidden"})
    assert (ran.kind, ran.message) == ("UnexpectedStatus", f"{root}/status/{status} answered {status}")
    assert ran.outcome is not None
    assert ran.outcome.retry is retry
    assert left(folder) == []


async def test_a_redirect_is_followed_only_where_the_params_say_so(root: str, folder: Path):
    ran = await execute(download, {"url": f"{root}/redirect"})
    assert ran.kind == "UnexpectedStatus"
    assert ran.message.endswith("answered 302, a redirect, and redirects are not followed")
    ran = await execute(download, {"url": f"{root}/redirect", "follow_redirects": True})
    assert ran.result["file"] == "redirect", "the other side does not choose the name"


async def test_a_closed_port_is_unreachable(closed_port: int, folder: Path):
    ran = await execute(download, {"url": f"http://127.0.0.1:{closed_port}/a"})
    assert (ran.kind, ran.message) == ("Unreachable", f"http://127.0.0.1:{closed_port}/a: connection refused")


async def test_a_cancelled_download_leaves_no_file_and_no_socket(root: str, folder: Path):
    attempt = Attempt(download, {"url": f"{root}/endless"})
    attempt.start()
    await until(lambda: left(folder) and len(attempt.reports) > 3)
    ran = await asyncio.wait_for(attempt.cancel(), 60)
    assert ran.outcome is not None
    assert ran.outcome.kind is OutcomeKind.CANCELLED
    assert left(folder) == []
    await until(lambda: sockets_to(int(root.rpartition(":")[2])) == 0)


async def test_a_cancel_while_the_file_moves_to_its_place_takes_it_away_again(root: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    moving, go_on = threading.Event(), threading.Event()
    sync = _part._sync

    def held(path: Path) -> None:
        moving.set()
        go_on.wait(60)
        sync(path)

    monkeypatch.setattr(_part, "_sync", held)
    attempt = Attempt(download, {"url": f"{root}/files/city.bin"})
    task = attempt.start()
    await until(moving.is_set)
    cancelled = asyncio.create_task(attempt.cancel())
    await asyncio.sleep(0.05)
    assert not task.done(), "it waits for the thread: no descriptor is closed under its hands"
    go_on.set()
    await asyncio.wait_for(cancelled, 60)
    assert left(folder) == []


async def test_what_a_killed_process_left_of_this_task_is_replaced(root: str, folder: Path):
    folder.mkdir()  # noqa: ASYNC240
    (folder / "task-7.part").write_text("left behind")
    ran = await execute(download, {"url": f"{root}/files/city.bin"}, task_id="task-7")
    assert ran.completed
    assert left(folder) == ["city.bin"]


async def test_a_disk_that_refuses_is_told_without_its_paths(root: str, folder: Path):
    folder.write_text("a file where the folder should be")  # noqa: ASYNC240
    ran = await execute(download, {"url": f"{root}/files/city.bin"})
    assert (ran.kind, ran.message) == ("NotSaved", "The file could not be saved: file exists")


async def test_a_full_disk_leaves_nothing_behind(root: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    def full(part: Part, piece: bytes) -> None:
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr(Part, "write", full)
    ran = await execute(download, {"url": f"{root}/files/city.bin"})
    assert (ran.kind, ran.message) == ("NotSaved", "The file could not be saved: no space left on device")
    assert left(folder) == []


async def test_without_a_folder_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module.Folder, "path", None)
    ran = await execute(download, {"url": "http://127.0.0.1:1/a"})
    assert ran.kind == "NotConfigured"


async def test_writing_does_not_block_the_loop(root: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    writers = set()
    write = Part.write

    def noted(part: Part, piece: bytes) -> None:
        writers.add(threading.current_thread())
        write(part, piece)

    monkeypatch.setattr(Part, "write", noted)
    assert (await execute(download, {"url": f"{root}/files/city.bin"})).completed
    assert writers
    assert threading.main_thread() not in writers


def test_a_dropped_part_stays_dropped(tmp_path: Path):
    part = Part(tmp_path, "late")
    part.drop()
    part.open()
    part.write(b"late")
    with pytest.raises(FileNotFoundError):
        part.keep("late.bin")
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "file:///etc/passwd"}, "params.url"),
        *(
            ({"filename": name}, "params.filename")
            for name in (
                "",
                ".",
                "..",
                ".hidden",
                "../up",
                "a/b",
                "/etc/passwd",
                "a\\b",
                "a\x00b",
                "a\nb",
                " a",
                "a ",
                "a\u202egpj.exe",
                "a.part",
                "a.PART",
                "ä" * 101,
                "a" * 201,
                5,
            )
        ),
        *(({"sha256": value}, "params.sha256") for value in ("", "0" * 63, "0" * 65, "g" * 64, "0" * 64 + "\n", 0)),
        *(({"max_bytes": value}, "params.max_bytes") for value in (0, -1, 2**41, 1.5)),
        *(({"timeout": value}, "params.timeout") for value in (0, 61)),
    ],
)
def test_params_that_make_no_sense_are_refused_by_name(given: dict[str, object], field: str):
    with pytest.raises(InvalidParams) as refused:
        download.encode({"url": "http://a.example/x"} | given)
    assert field in [name for name, _ in refused.value.problems]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://a.example/geo/city.mmdb.gz?key=1", "city.mmdb.gz"),
        ("http://a.example/", "download"),
        ("http://a.example", "download"),
        ("http://a.example/a/..%2f..%2fetc%2fpasswd", "_.._etc_passwd"),
        ("http://a.example/%2e%2e", "download"),
        ("http://a.example/.bashrc", "bashrc"),
        ("http://a.example/a%00b%0Ac", "a_b_c"),
        ("http://a.example/x.part", "x_part"),
        ("http://a.example/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82.txt", "привет.txt"),
        ("http://a.example/%ff%fe", "%FF%FE"),
    ],
)
def test_the_name_comes_from_the_address_and_is_made_harmless(url: str, name: str):
    assert DownloadParams.model_validate({"url": url}).name() == name


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=300))
def test_a_cleaned_name_is_a_plain_file_name(text: str):
    name = clean_name(text)
    assert clean_name(name) == name
    assert name == Path(name).name
    assert 1 <= len(name.encode()) <= 200
    assert name.isprintable()
    assert not name.startswith(".")
    assert not name.lower().endswith(".part")


def test_the_summary_reads_like_a_sentence():
    params = {"url": "https://mirror.example.net/geo/city-2026-11.mmdb.gz?signature=abc"}
    assert Attempt(download, params).params.summary() == "mirror.example.net/geo/city-2026-11.mmdb.gz"
    assert Attempt(download, params | {"filename": "city.gz"}).params.summary().endswith(" · as city.gz")
