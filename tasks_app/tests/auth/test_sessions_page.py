"""The page of sessions: each sees and ends his own, an admin all."""

from __future__ import annotations

from typing import Any

from tasks_app.auth.access import Access
from tasks_app.auth.audit import audit
from tasks_app.runtime import Runtime
from tasks_app.tests.auth.conftest import Asker, as_proxied, as_token, as_user, with_form_token


def handles(known: Access, role: str) -> list[str]:
    return [session.handle for session in known.sessions.all() if session.user.role == role]


async def shown(asker: Asker) -> str:
    assert (await asker.start("GET", "/sessions"))[0] == 200
    return asker.body.decode()


async def test_each_sees_his_own_and_an_admin_sees_all(application: Any, now: Runtime, known: Access):
    viewer, admin = as_user(application, known, "viewer"), as_user(application, known, "admin")
    page = await shown(viewer)
    assert handles(known, "viewer")[0] in page
    assert handles(known, "admin")[0] not in page
    assert "End all but this one" not in page
    page = await shown(admin)
    assert all(handle in page for handle in handles(known, "viewer") + handles(known, "admin"))
    assert "End all but this one" in page
    assert not any(known.sessions.all()[0].csrf == word for word in page.split())


async def test_nobody_ends_somebody_elses_session_or_learns_that_it_is_there(application: Any, now: Runtime, known: Access):
    operator, _ = as_user(application, known, "operator"), as_user(application, known, "admin")
    wanted = handles(known, "admin")[0]
    answers = [await operator.start("POST", f"/sessions/{handle}/end") for handle in (wanted, "0" * 16)]
    assert [status for status, _ in answers] == [404, 404]
    assert handles(known, "admin") == [wanted]


async def test_an_admin_ends_one_or_all_others_and_each_has_its_line(application: Any, now: Runtime, known: Access):
    admin = as_user(application, known, "admin")
    for _ in range(3):
        as_user(application, known, "viewer")
    first = handles(known, "viewer")[0]
    assert (await admin.start("POST", f"/sessions/{first}/end"))[0] == 303
    assert first not in handles(known, "viewer")
    line = audit.latest(1)[0]
    assert (line.who, line.action, line.object, line.outcome) == ("the-admin", "end session", f"{first} of the-viewer", "done")
    assert (await admin.start("POST", "/sessions/others/end"))[0] == 303
    assert [session.user.name for session in known.sessions.all()] == ["the-admin"]
    assert [line.action for line in audit.latest(2)] == ["end session"] * 2


async def test_ending_ones_own_session_is_logging_out(application: Any, now: Runtime, known: Access):
    viewer = as_user(application, known, "viewer")
    status, headers = await viewer.start("POST", f"/sessions/{handles(known, 'viewer')[0]}/end")
    assert (status, headers["location"]) == (303, "/login")
    assert known.sessions.all() == []


async def test_a_script_or_a_proxys_user_of_the_same_role_ends_nobodys_session(application: Any, now: Runtime, known: Access):
    as_user(application, known, "viewer")
    proxied = as_proxied(application, "viewer")
    proxied.headers["x-remote-user"] = "the-viewer"  # the same name, and somebody else
    await with_form_token(proxied)
    for asker in (as_token(application, "viewer"), proxied):
        assert handles(known, "viewer")[0] not in await shown(asker)
        assert (await asker.start("POST", "/sessions/others/end"))[0] == 303
        assert len(handles(known, "viewer")) == 1
