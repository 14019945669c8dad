"""Users, tokens and the proxy, as they are written down: what is wrong is told by its line, and no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks_app.auth.errors import WrongLogin
from tasks_app.auth.lines import Line, Lines
from tasks_app.auth.principal import Role
from tasks_app.auth.proxy import proxy_of
from tasks_app.auth.tokens import digest_of, find, new_token, tokens_of
from tasks_app.auth.users import users_of
from tasks_app.tests.auth.conftest import user_line

MIRA = user_line("mira", "admin")


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def line(text: str) -> list[Line]:
    return [Line("line 1", text)]


def file_of(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "users"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "mira",
        "mira:admin",
        "mira:boss:pbkdf2_sha256$1$a$b",
        ":admin:pbkdf2_sha256$1$a$b",
        "mi ra:admin:pbkdf2_sha256$1$a$b",
        "mi\u202era:admin:pbkdf2_sha256$1$a$b",
        f"{'m' * 65}:admin:pbkdf2_sha256$1$a$b",
        "mira:admin:hunter2-in-plain-text",
        "mira:admin:md5$salt$hash",
    ],
)
def test_a_wrong_user_is_told_by_its_line_and_not_shown(text):
    with pytest.raises(WrongLogin) as refused:
        users_of(line(text))
    assert str(refused.value).startswith("line 1: ")
    assert "hunter2" not in str(refused.value)
    assert "pbkdf2_sha256" not in str(refused.value)


def test_a_name_stands_once():
    with pytest.raises(WrongLogin, match="line 2: there is a line for this name already"):
        users_of([Line("line 1", MIRA), Line("line 2", user_line("mira", "viewer"))])


def test_users_stand_in_a_setting_or_in_a_file_with_comments(tmp_path):
    text = f"# the team\n\n  {MIRA}  \n{user_line('anton', 'operator')}\n"
    for lines in (
        Lines("IOTASK_USERS", f"{MIRA},{user_line('anton', 'operator')}", None, users_of),
        Lines("IOTASK_USERS", "", file_of(tmp_path, text), users_of),
    ):
        assert {name: user.role for name, user in lines.value.items()} == {"mira": Role.ADMIN, "anton": Role.OPERATOR}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o644])
def test_a_file_that_others_can_read_or_write_is_refused(tmp_path, mode):
    with pytest.raises(WrongLogin, match="others than its owner may read or write: `chmod 600` it"):
        Lines("IOTASK_USERS", "", file_of(tmp_path, MIRA, mode), users_of)


def test_a_file_that_is_not_there_is_a_folder_or_no_text_is_refused(tmp_path):
    with pytest.raises(WrongLogin, match="cannot be read: No such file"):
        Lines("IOTASK_USERS", "", tmp_path / "nowhere", users_of)
    with pytest.raises(WrongLogin, match="cannot be read"):
        Lines("IOTASK_USERS", "", tmp_path, users_of)
    path = file_of(tmp_path, "")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(WrongLogin, match="is not UTF-8"):
        Lines("IOTASK_USERS", "", path, users_of)


def test_a_setting_and_a_file_at_once_are_refused(tmp_path):
    with pytest.raises(WrongLogin, match="IOTASK_USERS and IOTASK_USERS_FILE are both set"):
        Lines("IOTASK_USERS", MIRA, file_of(tmp_path, MIRA), users_of)


def test_a_file_that_changed_is_read_again_within_a_second(tmp_path):
    clock = Clock()
    path = file_of(tmp_path, MIRA)
    lines = Lines("IOTASK_USERS", "", path, users_of, clock)
    path.write_text(user_line("anton", "viewer"))
    assert set(lines.value) == {"mira"}
    clock.at = 1.0
    assert set(lines.value) == {"anton"}


@pytest.mark.parametrize("damage", ["wrong", "gone", "open"])
def test_a_file_that_became_wrong_leaves_what_was_and_is_read_when_it_is_right_again(tmp_path, caplog, damage):
    clock = Clock()
    path = file_of(tmp_path, MIRA)
    lines = Lines("IOTASK_USERS", "", path, users_of, clock)
    if damage == "gone":
        path.unlink()
    else:
        path.write_text("nonsense" if damage == "wrong" else user_line("mallory", "admin"))
        path.chmod(0o666 if damage == "open" else 0o600)
    clock.at = 2.0
    assert set(lines.value) == {"mira"}
    assert "What it said before holds on" in caplog.text
    file_of(tmp_path, user_line("anton", "viewer"))
    clock.at = 4.0
    assert set(lines.value) == {"anton"}


@pytest.mark.parametrize(
    "text", ["nightly", "nightly:operator", "nightly:operator:abc", f"nightly:boss:{'0' * 64}", f"a:viewer:{'0' * 64}:x"]
)
def test_a_wrong_token_is_told_by_its_line(text):
    with pytest.raises(WrongLogin, match="line 1: "):
        tokens_of(line(text))


def test_a_token_is_found_by_all_of_its_text_and_by_nothing_else():
    token = new_token()
    kept = tokens_of([Line("1", f"other:viewer:{'0' * 64}"), Line("2", f"nightly:operator:{digest_of(token)}")])
    found = find(kept, token)
    assert found is not None
    assert (found.label, found.role) == ("nightly", Role.OPERATOR)
    for wrong in ("", token[:-1], token + "x", token.upper(), digest_of(token), "x" * 100_000, "\ud800"):
        assert find(kept, wrong) is None


def test_tokens_cannot_be_guessed_and_differ():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.startswith("iotask_") and len(token) == 39 for token in tokens)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("user=X-Remote-User", "at least 16 characters"),
        ("secret=short", "at least 16 characters"),
        ("secret=sixteen-letters-at-least,user=X Remote", "is no name of a header"),
        ("secret=sixteen-letters-at-least,user=X_Remote_User", "is no name of a header"),
        ("secret=sixteen-letters-at-least,default=boss", "default is one of"),
        ("secret=sixteen-letters-at-least,role=X-Remote-User", "a name of its own"),
        ("secret=sixteen-letters-at-least,colour=blue", "the names are"),
        ("secret=sixteen-letters-at-least,secret=another-one-of-them", "each name once"),
        ("on", "name=value"),
    ],
)
def test_a_wrong_word_about_the_proxy_is_told_and_its_secret_is_not(text, why):
    with pytest.raises(WrongLogin, match=why) as refused:
        Lines("IOTASK_PROXY_AUTH", text, None, proxy_of)
    assert "sixteen" not in str(refused.value)
