"""The files in deploy/ for nginx and Caddy, run in front of a real server: pages, login, live sockets, streams, large bodies."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from django.contrib.auth.hashers import make_password
from websockets.sync.client import ClientConnection, connect

from tasks_app.auth.tokens import digest_of, new_token
from tasks_app.tests.processes import PATIENCE, ROOT, free_port, started

HOST = "tasks.example.org"
TOKEN = new_token()
PASSWORD = "correct horse battery"
STREAMS = 20  # that few_streams.py leaves a server


def nginx(folder: Path, upstream: int, port: int) -> list[str]:
    """nginx with the file as it ships, but for places, ports and the certificate."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
        *subject,
    ]
    subprocess.run(made, check=True, capture_output=True)
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{upstream}").replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
    text = re.sub(r"/etc/ssl/\S+\.pem", str(certificate), re.sub(r"/etc/ssl/\S+\.key", str(key), text))
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off;\n{temporary} include {folder}/site.conf; }}\n"
    )
    command = [str(shutil.which("nginx")), "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", "stderr"]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    return command


def caddy(folder: Path, upstream: int, port: int) -> list[str]:
    """Caddy with the file as it ships, but for places, ports and the certificate."""
    text = (ROOT / "deploy" / "Caddyfile").read_text("utf-8").replace("127.0.0.1:8080", f"127.0.0.1:{upstream}")
    text = text.replace(f"{HOST} {{", f"https://{HOST}:{port} {{\n\tbind 127.0.0.1\n\ttls internal", 1)
    own = f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n\tstorage file_system {folder}/store\n}}\n"
    (folder / "Caddyfile").write_text(own + text)
    return [str(shutil.which("caddy")), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"], scope="module")
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The TLS port of a proxy with IoTask behind it."""
    name = request.param.__name__
    if shutil.which(name) is None or shutil.which("openssl") is None:
        pytest.skip(f"there is no {name} here")
    folder = tmp_path_factory.mktemp(name)
    user = f"mira:admin:{make_password(PASSWORD)}"
    variables: dict[str, Any] = {
        "IOTASK_USERS": user,
        "IOTASK_TOKENS": f"script:operator:{digest_of(TOKEN)}",
        "IOTASK_TRUSTED_PROXIES": "127.0.0.1",
        "ALLOWED_HOSTS": f"{HOST},localhost,127.0.0.1",
        "IOTASK_HANDLERS": "tasks_app.tests.few_streams",
    }
    with started(folder / "output", "manage.py", "serve", "-p", "0", **variables) as server:
        port = free_port()
        with (folder / "proxy").open("wb") as said:
            proxy = subprocess.Popen(request.param(folder, int(server.url.rpartition(":")[2]), port), stdout=said, stderr=said)
            try:
                _wait_for(port, folder / "proxy")
                yield port
            finally:
                proxy.terminate()
                proxy.wait(PATIENCE)
        assert server.stop() == 0


def _wait_for(port: int, said: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with _client(port) as one:
                assert one.get("/healthz").status_code == 200
        except httpx.TransportError:
            assert time.monotonic() < end, said.read_text()
            time.sleep(0.05)
        else:
            return


def _client(port: int, **headers: str) -> httpx.Client:
    """A client that takes this port of this machine for the site, and any certificate for the right one."""
    return httpx.Client(
        base_url=f"https://{HOST}:{port}",
        headers=headers,
        timeout=PATIENCE,
        transport=_ToThisMachine(verify=False),
    )


class _ToThisMachine(httpx.HTTPTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {**dict(request.headers), "host": HOST}
        where = request.url.copy_with(host="127.0.0.1")
        named = {**request.extensions, "sni_hostname": HOST}
        return super().handle_request(httpx.Request(request.method, where, headers=headers, stream=request.stream, extensions=named))


def _bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}


def test_somebody_logs_in_through_it_and_sees_the_tasks_page(proxied: int):
    with _client(proxied) as browser:
        form = browser.get("/login")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
        assert token
        answer = browser.post(
            "/login",
            data={"csrfmiddlewaretoken": token[1], "name": "mira", "password": PASSWORD},
            headers={"Origin": f"https://{HOST}", "Referer": f"https://{HOST}/login"},
        )
        assert answer.status_code in (302, 303), answer.text[:2000]
        cookies = answer.headers.get_list("set-cookie")
        assert any("Secure" in cookie and "HttpOnly" in cookie for cookie in cookies), cookies
        page = browser.get("/")
        assert page.status_code == 200
        assert "mira" in page.text
        style = re.search(r'href="(/static/[^"]+\.css)"', page.text)
        assert style
        assert browser.get(style[1]).status_code == 200


def test_a_live_socket_goes_through_it(proxied: int):
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with _live(proxied, trusting, _bearer()) as live:
        assert "version" in json.loads(live.recv(timeout=PATIENCE))
    with pytest.raises(websockets.WebSocketException), _live(proxied, trusting, {}) as live:  # nobody is logged in
        live.recv(timeout=PATIENCE)


@contextmanager
def _live(port: int, trusting: ssl.SSLContext, headers: dict[str, str]) -> Iterator[ClientConnection]:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw,
        trusting.wrap_socket(raw, server_hostname=HOST) as safe,
        connect(f"ws://{HOST}/live/tasks", sock=safe, additional_headers=headers) as live,
    ):
        yield live


def test_a_stream_of_events_comes_as_it_happens(proxied: int):
    with _client(proxied, **_bearer()) as script, script.stream("GET", "/api/v2/events") as stream:
        lines = stream.iter_lines()
        assert "event: ready" in [next(lines) for _ in range(4)]
        with _client(proxied, **_bearer()) as other:
            task = other.post("/api/v2/tasks", json={"type": "count", "params": {"to": 600}}).json()
        assert any(task["id"] in line for line in lines)  # while the stream goes on: nothing was held back
        with _client(proxied, **_bearer()) as other:
            assert other.delete(f"/api/v2/tasks/{task['id']}").status_code == 204


def test_a_stream_whose_reader_goes_is_left_by_the_proxy_too(proxied: int):
    with _client(proxied, **_bearer()) as script:
        with ExitStack() as readers:
            lines = [readers.enter_context(script.stream("GET", "/api/v2/events")).iter_lines() for _ in range(STREAMS)]
            assert all(next(each) for each in lines)
            assert not _is_let_in(script), "else what follows could not fail"
        for _ in range(STREAMS + 1):  # as many as may be open at once, and one more
            end = time.monotonic() + PATIENCE
            while not _is_let_in(script):
                assert time.monotonic() < end, "the places of those who have gone are not free"
                time.sleep(0.1)  # the proxy hears of it a moment later


def _is_let_in(script: httpx.Client) -> bool:
    """Whether there is a place for one more reader, who goes at once."""
    with script.stream("GET", "/api/v2/events") as stream:
        return stream.status_code == 200 and bool(next(stream.iter_lines()))


def test_a_large_launch_passes_and_a_larger_one_is_refused(proxied: int):
    many = [{"type": "count", "params": {"to": 1, "interval": 0}, "name": "x" * 180, "run_at": "2900-01-01T00:00:00Z"}] * 5_000
    with _client(proxied, **_bearer()) as script:
        assert script.post("/api/v2/tasks/bulk", json={"tasks": many}).status_code == 201
        with suppress(httpx.WriteError, httpx.ReadError):  # it may be cut off before all is sent
            assert script.post("/api/v2/tasks/bulk", content=b" " * 17_000_000).status_code == 413


def test_what_a_client_says_of_itself_is_not_believed(proxied: int):
    lies = {"X-Remote-User": "root", "X-Proxy-Secret": "guess", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"}
    with _client(proxied, **lies) as liar:
        assert liar.get("/api/v2/tasks").status_code == 401
    with _client(proxied, **lies, **_bearer()) as script:
        task = script.post("/api/v2/tasks", json={"type": "count", "params": {"to": 1, "interval": 0}})
        assert task.status_code == 201
