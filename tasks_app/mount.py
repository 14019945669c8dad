"""The one line for another project's asgi.py: `application = iotask(get_asgi_application())`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks_app.mounted.application import Mounted


def iotask(application: Any) -> Mounted:
    """The project's ASGI application, and ours under the prefix at which its urls.py includes `tasks_app.urls`.

    What is asked for below that prefix never reaches the project's own application, and nothing else ever reaches ours.
    """
    from tasks_app.mounted.application import Mounted  # not at the top: the apps are loaded by now, and may not have been before

    return Mounted(application)
