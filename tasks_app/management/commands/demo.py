"""`manage.py demo`: like serve, with believable tasks that come and go."""

from __future__ import annotations

from contextlib import AbstractContextManager

from tasks_app.demo.scene import scene
from tasks_app.management.commands.serve import Command as Serve


class Command(Serve):
    """Serves a dashboard with something to see. All its tasks talk to servers it starts itself, on this machine."""

    help = "Serve with believable tasks running, against servers of its own on loopback."

    def beside(self) -> AbstractContextManager[None]:
        """The scene plays while the server runs."""
        return scene()
