"""Named to a server with IOTASK_HANDLERS: what is deleted there can be undone for an hour. A browser on a machine that stalls may need more
than ten seconds from a delete to the button that undoes it; that ten seconds are kept is for tests with a clock of their own."""

from __future__ import annotations

from tasks_app.engine import deleted, gone

HOUR = 3600.0

deleted.SECONDS = gone.UNDO = HOUR
