"""The Celery app of this site's workers: `celery -A iotask_site worker`."""

from __future__ import annotations

import os
import sys
from typing import Any

import django
from celery.signals import after_setup_logger
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iotask_site.settings")
if not apps.ready:
    django.setup(set_prefix=False)

from tasks_app.conf import get_config
from tasks_app.executors.celery_worker import register
from tasks_app.executors.cluster_app import WORKER_SOCKET_TIMEOUT, app_of
from tasks_app.handler_lines import ToTask
from tasks_app.installed import registry_of

config = get_config()
if not config.broker_url.text:
    raise ImproperlyConfigured("A worker needs a broker: set IOTASK_BROKER_URL, for example to redis://localhost:6379/0.")
sys.path.append(os.getcwd())  # the script `celery` has it there for a moment only; processes of CPU-bound handlers look there too
app = app_of(config.broker_url.text, socket_timeout=WORKER_SOCKET_TIMEOUT)
register(app, registry_of(config))


@after_setup_logger.connect(weak=False)
def hear_handlers(**_: Any) -> None:
    """What handlers say through loggers of their own stands in their tasks' logs too; Celery has set up its own log by now."""
    ToTask(config.handler_logs).begin()
