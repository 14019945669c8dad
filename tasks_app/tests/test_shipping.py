"""What ships beside the code says what the code knows: names of settings, files, users, times."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks_app.tests.processes import ROOT

SETTINGS = (ROOT / "iotask_site" / "settings.py").read_text("utf-8")
KNOWN = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', SETTINGS)) | {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PATH"}
COMPOSE_OWN = {"IOTASK_LOCK"}  # a build argument
GRACE, SUPERVISOR = 10, 15  # seconds: IOTASK_GRACE_SECONDS, and what a supervisor waits beyond it


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return found


def dockerfile() -> list[str]:
    """Its instructions, each on one line."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text("utf-8"))
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def unit() -> list[tuple[str, str]]:
    lines = (ROOT / "deploy" / "iotask.service").read_text("utf-8").splitlines()
    return [tuple(line.split("=", 1)) for line in lines if "=" in line and not line.startswith("#")]  # type: ignore[misc]


def test_every_variable_of_the_image_is_a_setting():
    (text,) = [line for line in dockerfile() if line.startswith("ENV ")]
    names = {part.split("=", 1)[0] for part in shlex.split(text.removeprefix("ENV "))}
    assert names <= KNOWN
    assert {"HOST", "IOTASK_JOURNAL", "SECRET_KEY_FILE"} <= names


@pytest.mark.parametrize("service", ["iotask", "worker"])
def test_every_variable_of_the_services_is_a_setting(service: str):
    assert set(compose()["services"][service]["environment"]) <= KNOWN


def test_every_variable_that_compose_asks_for_is_a_setting():
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text("utf-8")))
    given = set(re.findall(r"(?m)^([A-Z_]+)=", (ROOT / "deploy" / "celery.env").read_text("utf-8")))
    assert asked | given <= KNOWN | COMPOSE_OWN
    assert given <= asked


def test_every_variable_of_the_unit_is_a_setting():
    names = {part.split("=", 1)[0] for name, value in unit() if name == "Environment" for part in value.split()}
    assert names <= KNOWN
    assert {"IOTASK_JOURNAL", "LOG_DIR", "SECRET_KEY_FILE"} <= names


def test_what_the_image_is_made_of_exists_and_is_sent_to_the_builder():
    sent = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for line in dockerfile():
        if line.startswith("COPY ") and "--from" not in line:
            for name in line.split()[1:-1]:
                assert (ROOT / name).exists()
                assert f"!{name}" in sent
    assert "*" in sent
    assert "tasks_app/tests" in sent


def test_the_image_runs_as_nobody_special_and_hears_signals():
    lines = dockerfile()
    assert lines.index("USER 10001:10001") < lines.index('ENTRYPOINT ["python", "manage.py"]')
    assert 'CMD ["serve"]' in lines  # the form without a shell: SIGTERM reaches the server itself
    assert any("--require-hashes" in line for line in lines)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-celery.lock"])
def test_an_image_can_be_made_of_either_lock(lock: str):
    text = (ROOT / lock).read_text("utf-8").replace("\\\n", " ")
    pins = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
    assert pins
    assert all("--hash=sha256:" in pin for pin in pins)
    assert any(pin.startswith("celery==") for pin in pins) is ("celery" in lock)


def test_both_locks_pin_the_same_versions():
    plain, celery = (
        dict(re.findall(r"(?m)^([a-z0-9.-]+)==([^ ;\\]+)", (ROOT / name).read_text()))
        for name in ("requirements.lock", "requirements-celery.lock")
    )
    assert {name: celery.get(name) for name in plain} == plain


def test_supervisors_wait_longer_than_the_server_takes_to_end():
    services = compose()["services"]
    assert services["iotask"]["environment"]["IOTASK_GRACE_SECONDS"] == str(GRACE)
    assert int(services["iotask"]["stop_grace_period"].removesuffix("s")) >= GRACE + SUPERVISOR
    found = dict(unit())
    assert int(found["TimeoutStopSec"]) >= GRACE + SUPERVISOR
    assert (found["KillMode"], found["KillSignal"]) == ("mixed", "SIGTERM")
    assert found["RestartPreventExitStatus"] == "2"


@pytest.mark.parametrize("name", ["FILES_DIR", "DOWNLOAD_DIR"])
def test_what_a_worker_writes_is_where_the_server_reads_it(name: str):
    (text,) = [line for line in dockerfile() if line.startswith("ENV ")]
    folder = dict(part.split("=", 1) for part in shlex.split(text.removeprefix("ENV ")))[name]
    (made,) = [line for line in dockerfile() if "install --directory --owner iotask" in line]
    assert folder in made.split()  # a new volume belongs to whoever has its folder in the image
    volumes = [
        {path: volume for volume, path in (one.split(":") for one in compose()["services"][of]["volumes"])} for of in ("iotask", "worker")
    ]
    assert volumes[0][folder] == volumes[1][folder]
    assert volumes[0][folder] in compose()["volumes"]
    assert volumes[0]["/data"] != volumes[1]["/data"]  # the journal is the server's alone


def test_a_container_without_a_login_is_published_to_this_machine_alone():
    found = compose()["services"]["iotask"]
    assert "--i-know-this-is-open" in found["command"]
    assert all(port.startswith("127.0.0.1:") for port in found["ports"])


def test_containers_have_no_more_rights_than_they_need():
    for name in ("iotask", "worker"):
        found = compose()["services"][name]
        assert (found["read_only"], found["cap_drop"], found["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])


def test_valkey_and_the_worker_come_with_their_profile_only():
    assert {name: one.get("profiles") for name, one in compose()["services"].items()} == {
        "iotask": None,
        "broker": ["celery"],
        "worker": ["celery"],
    }


def test_the_workflow_runs_lint_and_tests_on_both_pythons():
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]["tests"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert {"make lint", "make test"} <= {step.get("run") for step in job["steps"]}


def test_the_unit_is_one_that_systemd_can_read():
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ROOT / "deploy" / "iotask.service")
    assert parser.sections() == ["Unit", "Service", "Install"]
    program, *words = shlex.split(parser["Service"]["ExecStart"])
    assert Path(program).is_absolute()
    assert words == ["manage.py", "serve"]
