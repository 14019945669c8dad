"""`manage.py hashpassword NAME ROLE`: a line for IOTASK_USERS. The password is asked for, or read from a pipe, and shown nowhere."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks_app.auth.errors import Denied
from tasks_app.auth.passwords import LONGEST, plain
from tasks_app.auth.principal import Role
from tasks_app.auth.users import is_name

SHORTEST = 8  # characters


class Command(BaseCommand):
    """Prints `name:role:hash`."""

    help = "Make a line for IOTASK_USERS or its file; asks for the password twice, or reads one line from a pipe."
    requires_system_checks: list[str] = []  # it must help where the settings of the login are wrong

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, and what he may do."""
        parser.add_argument("name")
        parser.add_argument("role", nargs="?", default=Role.OPERATOR.value, choices=[role.value for role in Role])

    def handle(self, *args: Any, **options: Any) -> None:
        """What is wrong is one sentence and exit code 1."""
        if not is_name(options["name"]):
            raise CommandError("A name has 1 to 64 printable characters without white space, colon, comma and #.")
        password = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
        self.stdout.write(f"{options['name']}:{options['role']}:{make_password(_good(password))}")


def _asked() -> str:
    first = getpass("Password: ")
    if first != getpass("Once more: "):
        raise CommandError("That was another password than before.")
    return first


def _good(password: str) -> str:
    if len(password) < SHORTEST:
        raise CommandError(f"A password has at least {SHORTEST} characters.")
    try:
        return plain(password)
    except Denied:
        raise CommandError(f"A password has at most {LONGEST:,} bytes.") from None
