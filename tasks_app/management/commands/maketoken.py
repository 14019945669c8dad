"""`manage.py maketoken LABEL ROLE`: a token for a script, shown once, and the line for IOTASK_TOKENS that knows it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks_app.auth.principal import Role
from tasks_app.auth.tokens import digest_of, new_token
from tasks_app.auth.users import is_name


class Command(BaseCommand):
    """Prints the token, and `label:role:sha256`."""

    help = "Make a token for a script, and the line for IOTASK_TOKENS or its file. The token is shown once and kept nowhere."
    requires_system_checks: list[str] = []  # it must help where the settings of the login are wrong

    def add_arguments(self, parser: CommandParser) -> None:
        """What it is called, and what it may do."""
        parser.add_argument("label")
        parser.add_argument("role", choices=[role.value for role in Role])

    def handle(self, *args: Any, **options: Any) -> None:
        """What is wrong is one sentence and exit code 1."""
        if not is_name(options["label"]):
            raise CommandError("A label has 1 to 64 printable characters without white space, colon, comma and #.")
        token = new_token()
        self.stdout.write(f"The token, for the script: {token}\n")
        self.stdout.write(f"The line, for IOTASK_TOKENS: {options['label']}:{options['role']}:{digest_of(token)}")
