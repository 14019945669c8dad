"""System checks: settings that cannot work are told before anything runs."""

from __future__ import annotations

import pytest

from tasks_app.checks import check_iotask


@pytest.fixture
def told(settings, tmp_path):
    """What the checks say with these values."""

    def check(**values) -> list[str]:
        settings.IOTASK = {"download_dir": tmp_path, **values}
        return [f"{message.id} {message.msg}" for message in check_iotask(None)]

    return check


def test_nothing_is_told_when_all_is_well(told, tmp_path):
    assert told() == []
    assert told(limits={"ping": 5}, handlers=("tasks_app.tests.sample_tasks",), download_dir=tmp_path / "made" / "later") == []


def test_an_unknown_setting_is_told_by_name(told):
    (message,) = told(max_runing=5)
    assert message.startswith("iotask.E001")
    assert "max_runing" in message


def test_a_limit_for_a_type_that_does_not_exist_is_told(told):
    text = "IOTASK_LIMITS sets a limit for pnig, and there is no such task type."
    assert told(limits={"pnig": 5}) == [f"iotask.E003 {text}"]
    assert f"iotask.W002 {text}" in told(limits={"pnig": 5}, handlers=("tasks_app.tests.no_such_module",))


def test_a_limit_for_retries_needs_a_type_whose_retries_have_slots_of_their_own(told):
    assert told(retry_limits={"message": 5}) == []
    text = "IOTASK_RETRY_LIMITS sets a limit for {}, and {}."
    assert told(retry_limits={"pnig": 5}) == [f"iotask.E003 {text.format('pnig', 'there is no such task type')}"]
    assert told(retry_limits={"ping": 5}) == [f"iotask.E003 {text.format('ping', 'its retries have no slots of their own')}"]


@pytest.mark.parametrize("broker", ["localhost", "kafka:19092", "[::1]:9092"])
def test_a_broker_is_a_host_with_or_without_a_port(told, broker):
    assert told(kafka=broker) == []


@pytest.mark.parametrize("broker", ["two words", "host:0", "host:65536", "http://host", "a,b", "host:", "\u202e"])
def test_what_is_no_broker_is_told(told, broker):
    assert told(kafka=broker) == [
        f"iotask.E005 IOTASK_KAFKA: {broker!r} is no broker: allowed is HOST or HOST:PORT, such as localhost:9092."
    ]


@pytest.mark.parametrize("targets", ["any", "public", "10.1.2.0/24:443,[fd00::]/8:8000-8100,example.org"])
def test_a_policy_of_targets_is_one_of_two_words_or_a_list(told, targets):
    assert told(targets=targets) == []


def test_what_is_no_policy_of_targets_is_told(told):
    (message,) = told(targets="10.0.0.0/33")
    assert message.startswith("iotask.E006 IOTASK_TARGETS has '10.0.0.0/33' in it: ")
    (message,) = told(http_ports="80,http")
    assert message.startswith("iotask.E006 IOTASK_HTTP_PORTS is '80,http': ")


def test_a_module_of_task_types_that_cannot_be_imported_is_told(told):
    (message,) = told(handlers=("no.such.module",))
    assert message.startswith("iotask.W001 The task types in no.such.module are left out: ModuleNotFoundError")


def test_two_types_of_one_name_are_told(told, tmp_path, monkeypatch):
    (tmp_path / "second_ping.py").write_text(
        "from tasks_app.engine.registry import task_type\n\n@task_type('ping')\nasync def ping(params, context):\n    return None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert told(handlers=("second_ping",)) == ["iotask.E002 Two task types are named 'ping'. Task type names are unique."]


@pytest.mark.parametrize(("setting", "what"), [("download_dir", "Downloads"), ("files_dir", "Reports")])
def test_a_folder_that_cannot_be_is_told(told, tmp_path, setting, what):
    (tmp_path / "file").touch()
    (message,) = told(**{setting: tmp_path / "file" / "below"})
    assert message.startswith(f"iotask.W003 {what} cannot be kept in")


def test_a_ping_that_could_never_be_launched_is_told(told):
    (message,) = told(ping_address="example.com:80")
    assert message.startswith("iotask.E004 IOTASK_PING_ADDRESS is 'example.com:80', and no ping can be launched with it: Not a host name")
    (message,) = told(ping_interval=0.01, ping_timeout=60.0)
    assert message.startswith("iotask.E004 IOTASK_PING_TIMEOUT is 60.0, and no ping can be launched with it: At most 1,000 intervals")


@pytest.mark.parametrize(
    "url", ["localhost", "http://localhost", "redis://", "redis://localhost:99999", "redis://a;nonsense", "redis://[::1"]
)
def test_an_address_that_is_no_brokers_is_told_without_being_shown(told, url):
    (message,) = told(broker_url=url)
    assert message == "iotask.E012 IOTASK_BROKER_URL is not the address of a broker that can be spoken to."


@pytest.mark.parametrize(
    "url", ["redis://localhost", "rediss://:pw@h:6380/1", "amqp://u:p@h//", "redis+socket:///run/redis.sock", "redis://a;redis://b"]
)
def test_an_address_of_a_broker_is_taken(told, url):
    assert told(broker_url=url, executor="celery") == []


def test_celery_without_a_broker_is_told(told):
    (message,) = told(executor="celery")
    assert message.startswith("iotask.E011 IOTASK_EXECUTOR is celery")


def test_a_broker_without_the_package_is_told_with_the_remedy(told, monkeypatch):
    monkeypatch.setattr("tasks_app.checks.find_spec", lambda name: None)
    (message,) = told(broker_url="redis://localhost")
    assert message.endswith("pip install -r requirements-celery.txt.")
