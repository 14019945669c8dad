"""Builds the wheel once, installs it into an environment of its own beside the shop, and opens the shop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest
from msgspec import Struct

from tasks_app.auth.tokens import digest_of, new_token
from tasks_app.tests.processes import ROOT, Started, run

TOKEN = new_token()
USERS = """
import django, json
django.setup()
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
call_command("migrate", verbosity=0)
sessions = {}
for name, roles in {"root": {"is_staff": True, "is_superuser": True}, "staff": {"is_staff": True}, "customer": {}}.items():
    user = get_user_model().objects.create(username=name, **roles)
    store = SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store.create()
    sessions[name] = store.session_key
print(json.dumps(sessions))
"""


class Place(Struct):
    """Where the shop is: its folder, the programs of its environment, and the sessions of its users by name."""

    folder: Path
    programs: Path
    sessions: dict[str, str]

    @property
    def variables(self) -> dict[str, str]:
        """What its processes are told."""
        line = f"script:operator:{digest_of(TOKEN)}"
        return {"DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONPATH": str(self.folder), "TOKENS": line}

    def run(self, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """What a process of the project that does not serve says."""
        command = [str(self.programs / "python"), "-c", code]
        return subprocess.run(command, cwd=self.folder, env=self.variables | variables, capture_output=True, text=True, check=False)


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The wheel in an environment that has nothing else of this checkout, and the shop beside it."""
    folder = tmp_path_factory.mktemp("shop")
    python, env = sys.executable, {**os.environ, "UV_OFFLINE": "1", "UV_NO_CONFIG": "1"}
    subprocess.run([python, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist"], cwd=ROOT, check=True, capture_output=True)
    subprocess.run([python, "-m", "venv", "--without-pip", folder / "env"], check=True)
    programs = folder / "env" / "bin"
    (wheel,) = (folder / "dist").glob("iotask-*.whl")
    install = [python, "-m", "uv", "pip", "install", "--python", str(programs / "python"), "--no-deps", str(wheel)]
    subprocess.run(install, env=env, check=True, capture_output=True)
    (packages,) = (folder / "env").glob("lib/python*/site-packages")
    (packages / "of_the_tests.pth").write_text(sysconfig.get_path("purelib"))
    shutil.copytree(Path(__file__).with_name("shop"), folder / "project" / "shop")
    found = Place(folder / "project", programs, {})
    said = found.run(USERS)
    assert said.returncode == 0, said.stderr
    found.sessions = json.loads(said.stdout)
    return found


@pytest.fixture(scope="package")
def shop(place: Place) -> Iterator[Started]:
    """The shop, served by uvicorn."""
    with opened(place, "uvicorn", "shop.asgi:application", "--port", "0", said="Uvicorn running on ") as process:
        yield process


class Opened(Started):
    """A server that says its address in words of its own."""

    words: str = ""

    @property
    def url(self) -> str:
        """Where it serves, once it has said so."""
        self.wait_until(lambda: "\n" in self.said.partition(self.words)[2])  # a line that is not whole ends within the number
        rest = self.said.partition(self.words)[2].split()[0]
        return f"http://127.0.0.1:{rest.rpartition(':')[2]}"


@contextmanager
def opened(place: Place, *command: str, said: str) -> Iterator[Opened]:
    """A module of the environment as a process in the shop's folder."""
    output = Path(mkdtemp(dir=place.folder)) / f"{command[0]}.txt"  # its own: the shop goes on beside it
    with run(output, [str(place.programs / "python"), "-m", *command], place.folder, place.variables) as process:
        found = Opened(process.process, output)
        found.words = said
        yield found
