"""Spans of attempts on their way to a collector, as docs/observability.md sets it up: OTLP over TLS, with a certificate of each side."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tasks_app.tests.handlers.conftest import Signed, self_signed
from tasks_app.tests.processes import ROOT, started

__all__ = ["self_signed"]  # a fixture
# Spans are sent soon; and certificates that this machine trusts elsewhere would come before the one that is named.
AT_ONCE = {"OTEL_BSP_SCHEDULE_DELAY": "50", "REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Receiving(BaseHTTPRequestHandler):
    """Takes traces in, and says so."""

    def do_POST(self) -> None:
        """As the protocol has it."""
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.got.append((self.path, self.headers["Content-Type"], self.headers["Authorization"], body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def collector(self_signed: Signed) -> Iterator[Any]:
    """One that lets in only who shows a certificate it knows: its own will do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed.file)
    context.load_verify_locations(self_signed.file)
    context.verify_mode = ssl.CERT_REQUIRED
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Receiving)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.got, server.daemon_threads = [], False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def set_up(folder: Path) -> None:
    """The module that the page shows, as it stands there."""
    page = (ROOT / "docs" / "observability.md").read_text("utf-8")
    found = re.search(r"```python\n(# acme_tracing\.py\n.*?)```", page, re.S)
    assert found is not None
    (folder / "acme_tracing.py").write_text(found[1])


def spans(collector: Any) -> list[Any]:
    """All that came, and how."""
    found = []
    for path, kind, login, body in collector.got:
        assert (path, kind, login) == ("/v1/traces", "application/x-protobuf", "Bearer a-token")
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            assert names["service.name"] == "our-tasks"
            found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def test_spans_of_attempts_reach_a_collector_over_tls(collector: Any, self_signed: Signed, tmp_path: Path):
    set_up(tmp_path)
    variables = {
        "OTEL_SERVICE_NAME": "our-tasks",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{collector.server_port}",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(self_signed.file),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(self_signed.file),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(self_signed.file),
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20a-token",
        **AT_ONCE,
    }
    task = {"type": "count", "params": {"to": 1, "interval": 0}}
    with started(
        tmp_path / "output", "manage.py", "serve", "-p", "0", IOTASK_HANDLERS="acme_tracing", PYTHONPATH=str(tmp_path), **variables
    ) as server:
        made = httpx.post(f"{server.url}/api/v2/tasks", json=task, headers={"traceparent": PARENT}, timeout=60)
        assert made.status_code == 201, made.text
        server.wait_until(lambda: bool(spans(collector)))
        assert server.stop() == 0, server.said
    (span,) = spans(collector)
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("task count", PARENT[3:35], PARENT[36:52])
    told = {one.key: one.value.string_value for one in span.attributes}
    assert told["messaging.message.id"] == made.json()["id"]
    assert told["iotask.task.outcome"] == "completed"


def test_a_collector_whose_certificate_nobody_vouches_for_gets_nothing_and_holds_nothing_up(collector: Any, tmp_path: Path):
    set_up(tmp_path)
    task = {"type": "count", "params": {"to": 1, "interval": 0}}
    with started(
        tmp_path / "output",
        "manage.py",
        "serve",
        "-p",
        "0",
        IOTASK_HANDLERS="acme_tracing",
        PYTHONPATH=str(tmp_path),
        OTEL_EXPORTER_OTLP_ENDPOINT=f"https://localhost:{collector.server_port}",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
        **AT_ONCE,
    ) as server:
        path = httpx.post(f"{server.url}/api/v2/tasks", json=task, timeout=60).headers["Location"]
        server.wait_until(lambda: httpx.get(f"{server.url}{path}", timeout=60).json()["status"] == "completed")
        server.wait_until(lambda: "Failed to export span" in server.said)
        assert server.stop() == 0, server.said
    assert collector.got == []
