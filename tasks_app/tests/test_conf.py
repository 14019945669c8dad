"""Config: what settings.IOTASK may hold, and what the environment makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tasks_app.conf import Config, config_of, get_config
from tasks_app.tests.test_env import manage


def test_everything_has_a_default():
    assert config_of({}) == Config()
    assert Config().max_running == 10_000
    assert Config().max_body == 65_536


def test_values_are_taken_over():
    config = config_of({"max_running": 5, "limits": {"ping": 3}, "handlers": ("a.b",), "download_dir": Path("/d"), "keep_hours": 1})
    assert (config.max_running, config.limits, config.handlers, config.download_dir) == (5, {"ping": 3}, ("a.b",), Path("/d"))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"max_runing": 5}, "max_runing"),
        ({"max_running": 0}, "max_running"),
        ({"max_running": "5"}, "max_running"),
        ({"limits": {"ping": 0}}, "limits"),
        ({"download_dir": 5}, "download_dir"),
        ({"grace_seconds": -1}, "grace_seconds"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(values, named):
    with pytest.raises(ImproperlyConfigured, match=f"settings.IOTASK: .*{named}"):
        config_of(values)


def test_a_changed_setting_is_seen(settings):
    assert get_config() is get_config()
    settings.IOTASK = {"max_running": 7}
    assert get_config().max_running == 7


def config_under(**variables: str) -> dict[str, object]:
    code = "from tasks_app.conf import get_config; import msgspec; print(msgspec.json.encode(get_config(), enc_hook=str).decode())"
    done = manage("shell", "-v", "0", "-c", code, **variables)
    assert done.stderr == ""
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_variables_of_the_environment_end_up_in_the_config():
    config = config_under(
        PORT="9000", WORKER_COUNT="4", IOTASK_LIMITS="ping=500,double=1", IOTASK_GRACE_SECONDS="2.5", DOWNLOAD_DIR="/tmp/d"
    )
    assert config["port"] == 9000
    assert config["limits"] == {"long_computation": 4, "ping": 500, "double": 1}
    assert config["grace_seconds"] == 2.5
    assert config["download_dir"] == "/tmp/d"


def test_without_any_it_listens_on_loopback_port_8080_with_ten_slots_for_long_computations():
    config = config_under()
    assert (config["host"], config["port"], config["limits"]) == ("127.0.0.1", 8080, {"long_computation": 10})


def test_a_limit_by_name_goes_before_the_worker_count():
    assert config_under(WORKER_COUNT="4", IOTASK_LIMITS="long_computation=6")["limits"] == {"long_computation": 6}
