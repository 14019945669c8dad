"""What the README says to type works as it stands there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from typing import Any

import pytest

from tasks_app.tests.processes import ROOT

CURL = shutil.which("curl")
EXAMPLE = "f47ac10b-58cc-4372-a567-0e02b2c3d479"


def commands(after: str) -> list[str]:
    """The curl commands of the README that stand after a comment, up to the next blank comment or the end of the block."""
    block = (ROOT / "README.md").read_text().split(f"# {after}\n", 1)[1].split("```", 1)[0].split("\n# ", 1)[0]
    return [found.strip() for found in re.split(r"\n\n", block) if found.strip().startswith("curl ")]


def typed(command: str, url: str) -> tuple[int, Any]:
    """Run a command in a shell against the server under test: the status and the body."""
    asked = command.replace("http://localhost:8080", url).replace("curl ", "curl -s -w '\\n%{http_code}' ", 1)
    body, _, status = subprocess.run(["sh", "-c", asked], capture_output=True, text=True, check=True, timeout=60).stdout.rpartition("\n")
    return int(status), json.loads(body) if body.startswith("{") else body


@pytest.mark.skipif(CURL is None, reason="there is no curl here")
def test_the_lines_of_the_long_tasks_service_work_verbatim(served: str) -> None:
    post, status, result = commands("Long Tasks Service")
    code, launched = typed(post, served)
    assert (code, launched) == (202, {"id": launched["id"], "status": "pending"})
    code, shown = typed(status.replace(EXAMPLE, launched["id"]), served)
    assert (code, shown["id"]) == (200, launched["id"])
    assert typed(result.replace(EXAMPLE, launched["id"]), served) == (412, "Task is not completed yet\n")
    assert typed(status, served) == (404, "Task not found\n")


@pytest.mark.skipif(CURL is None, reason="there is no curl here")
def test_the_lines_of_the_go_task_queue_work_verbatim(served: str) -> None:
    post, get = commands("Go Task Queue")
    code, launched = typed(post, served)
    assert (code, launched) == (201, {"id": launched["id"], "status": "queued", "result": 21})
    end = time.monotonic() + 60
    while (answer := typed(get.replace("/tasks/1", f"/tasks/{launched['id']}"), served)[1])["status"] == "queued":
        assert time.monotonic() < end
    assert answer == {"id": launched["id"], "status": "completed", "result": 42}
