"""The ASGI application: HTTP to Django, WebSockets to the live room."""

from __future__ import annotations

import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.apps import apps

from tasks_app.asgi import Handler
from tasks_app.live.routing import websocket_urlpatterns

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iotask_site.settings")
if not apps.ready:  # a command has set up already, and set up again its log would lose app.log
    django.setup(set_prefix=False)

sockets = URLRouter(websocket_urlpatterns)  # type: ignore[arg-type] # Channels' types want paths of a type that nothing makes
application = ProtocolTypeRouter({"http": Handler(), "websocket": sockets})
