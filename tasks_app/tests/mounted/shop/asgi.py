"""The one line that is IoTask's."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from tasks_app.mount import iotask

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = iotask(get_asgi_application())
