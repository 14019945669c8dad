"""What a project sets, and what the checks say to it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from tasks_app import checks
from tasks_app.asgi import ROOT
from tasks_app.auth.access import Access
from tasks_app.auth.errors import Denied
from tasks_app.conf import config_of, get_config, languages
from tasks_app.mounted.application import Mounted
from tasks_app.mounted.elsewhere import elsewhere
from tasks_app.mounted.host_login import rule_of, staff


class User:
    """As much of one as rules look at."""

    def __init__(self, **given: bool) -> None:
        self.is_superuser = given.get("is_superuser", False)
        self.is_staff = given.get("is_staff", False)


def nobody(user: Any) -> None:
    """A rule that gives nobody a role."""


@pytest.fixture
def project(settings: Any) -> Any:
    """The settings of a project that includes ours; it has no users."""
    settings.ROOT_URLCONF = "tasks_app.tests.mounted.urls"
    get_config.cache_clear()
    yield settings
    get_config.cache_clear()


def scope(path: str, **more: Any) -> dict[str, Any]:
    """A request as a server hands it over."""
    return {"type": "http", "path": path, "headers": [], "scheme": "http", "client": ("127.0.0.1", 1), **more}


def test_the_usual_rule() -> None:
    assert staff(User(is_superuser=True)) == "admin"
    assert staff(User(is_staff=True)) == "operator"
    assert staff(User()) is None
    assert rule_of("django") is staff
    assert rule_of("tasks_app.tests.mounted.test_settings.nobody") is nobody
    with pytest.raises(ImproperlyConfigured, match="path of a function"):
        rule_of("shop.rules.none")


def test_whoever_comes_past_our_application_is_told_what_is_missing() -> None:
    answer = elsewhere(RequestFactory().get("/iotask/"), task_id="x")
    assert (answer.status_code, b"iotask(get_asgi_application())" in answer.content) == (503, True)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("/tool/tasks", "/tasks"),
        ("/tool/", "/"),
        ("/tool", ""),
        ("/toolbox", None),
        ("/", None),
        ("/other/tool/", None),
    ],
)
def test_what_is_below_the_prefix_is_ours(project: Any, asked: str, found: str | None) -> None:
    inner = Mounted(None)._below(scope(asked))
    assert (inner and inner["path"]) == found
    assert inner is None or inner[ROOT] == "/tool"


def test_a_project_may_stand_under_a_prefix_itself(project: Any) -> None:
    inner = Mounted(None)._below(scope("/site/tool/types", root_path="/site"))
    assert inner is not None
    assert (inner["path"], inner[ROOT], inner["root_path"]) == ("/types", "/site/tool", "")
    spoofed = Mounted(None)._below(scope("/tool/types", root_path="/evil"))
    assert spoofed is not None
    assert spoofed[ROOT] == "/tool"
    project.FORCE_SCRIPT_NAME = "/site"
    forced = Mounted(None)._below(scope("/tool/types"))
    assert forced is not None
    assert (forced["path"], forced[ROOT]) == ("/types", "/site/tool")


def test_what_the_projects_proxy_tells_is_believed_where_the_project_believes_it(project: Any) -> None:
    told = [(b"host", b"10.0.0.1:8000"), (b"x-forwarded-host", b"shop.example"), (b"x-forwarded-proto", b"https")]
    plain = Mounted(None)._below(scope("/tool/", headers=told))
    assert plain is not None
    assert (plain["scheme"], dict(plain["headers"])[b"host"]) == ("http", b"10.0.0.1:8000")
    project.USE_X_FORWARDED_HOST = True
    project.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    seen = Mounted(None)._below(scope("/tool/", headers=told, type="websocket", scheme="ws"))
    assert seen is not None
    assert (seen["scheme"], dict(seen["headers"])[b"host"]) == ("wss", b"shop.example")


def test_a_project_that_does_not_include_us_or_gives_us_its_root_is_told(project: Any) -> None:
    project.ROOT_URLCONF = "tasks_app.tests.mounted.shop"
    with pytest.raises(ImproperlyConfigured, match=r"lacks path"):
        Mounted(None)._below(scope("/"))
    project.ROOT_URLCONF = "tasks_app.tests.mounted.at_the_root"
    with pytest.raises(ImproperlyConfigured, match="prefix of its own"):
        Mounted(None)._below(scope("/"))


def test_without_users_and_tokens_nobody_is_let_in(project: Any) -> None:
    with pytest.raises(Denied, match="before somebody has said who may"):
        Access(config_of({})).principal(scope("/"))
    assert Access(config_of({"open_to_others": True})).principal(scope("/")) is not None
    project.DEBUG = True
    assert Access(config_of({})).principal(scope("/")) is not None
    with pytest.raises(Denied):
        Access(config_of({})).principal(scope("/", client=("10.0.0.9", 1)))


def test_the_checks_name_what_cannot_work(project: Any) -> None:
    assert "iotask.W010" in {found.id for found in checks.check_iotask(None)}
    project.CSRF_USE_SESSIONS = True
    project.IOTASK = {"auth": "shop.rules.none"}
    assert {"iotask.E010", "iotask.E011"} <= {found.id for found in checks.check_iotask(None)}


def test_pages_speak_the_languages_that_we_have_and_not_those_of_the_project(project: Any) -> None:
    project.LANGUAGES = [("de", "Deutsch"), ("en", "English")]
    assert languages() == ["en", "ru"]
