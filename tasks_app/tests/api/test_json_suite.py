"""JSONTestSuite against the strict JSON door: as bodies, in the form, and as messages of a socket."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import httpx
import pytest

from tasks_app import strict_json
from tasks_app.live import messages
from tasks_app.runtime import Runtime
from tasks_app.strict_json import NotStrict
from tasks_app.tests.api.conftest import problem
from tasks_app.tests.json_suite import ARCHIVE, DATA, known, suite
from tasks_app.web import forms

BULK = "/api/v2/tasks/bulk"  # takes bodies of the size of the largest of them
JSON = {"content-type": "application/json"}


def test_the_suite_is_whole() -> None:
    assert sha256(ARCHIVE.read_bytes()).hexdigest() in DATA.joinpath("VENDORED.md").read_text("utf-8")
    assert [sum(name.startswith(kind) for name in suite()) for kind in "yni"] == [95, 188, 35]


async def test_each_text_as_a_body_has_its_answer(client: httpx.AsyncClient, now: Runtime) -> None:
    answers = {name: await client.post(BULK, content=body, headers=JSON) for name, body in suite().items()}
    for name, answer in answers.items():
        problem(answer, 400 if name.startswith("n_") else answer.status_code)
    found = {name: f"{answer.status_code} {answer.json()['code']}" for name, answer in answers.items() if not name.startswith("n_")}
    assert found == known()
    assert len(now.store) == 0


def verdict(reader: Any, text: Any) -> bool:
    """Whether it is read."""
    try:
        reader(text)
    except (ValueError, NotStrict):
        return False
    return True


def test_the_form_reads_what_the_api_reads_and_nothing_else() -> None:
    for name, body in suite().items():
        try:
            text = body.decode()
        except UnicodeError:
            continue  # a form's text is text already
        assert verdict(forms.json_value, text) is verdict(strict_json.value, body), name


def test_a_socket_reads_what_the_api_reads_and_nothing_else() -> None:
    for name, body in suite().items():
        try:
            text = body.decode()
        except UnicodeError:
            continue  # as a frame it would not be text either
        with pytest.raises(messages.Wrong) as wrong:  # none of them is a message
            messages.understood(text)
        assert (wrong.value.status, wrong.value.code) == refusal(body), name


def refusal(body: bytes) -> tuple[int, str]:
    """What the API says of a body that is read, or is not."""
    try:
        strict_json.decode(body)
    except NotStrict as refused:
        return refused.status, refused.code
    return (422, "unknown_message" if len(body.strip()) > len("{}") else "one_message")
