"""Which socket is at which path."""

from __future__ import annotations

from django.urls import path, re_path

from tasks_app.live.consumers import BoardConsumer, ListConsumer, NowhereConsumer, TaskConsumer

websocket_urlpatterns = [  # Channels routes ASGI applications through Django's paths, whose types know only views
    path("live/tasks", ListConsumer.as_asgi()),  # type: ignore[arg-type]
    path("live/tasks/<uuid:task_id>", TaskConsumer.as_asgi()),  # type: ignore[arg-type]
    path("live/boards/<path:page>", BoardConsumer.as_asgi()),  # type: ignore[arg-type]
    re_path("", NowhereConsumer.as_asgi()),  # type: ignore[arg-type]
]
