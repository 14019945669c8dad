"""Where attempts run, and how many at once: in this process, or on Celery workers. Celery is imported only where a broker is set."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tasks_app.conf import Config
from tasks_app.engine.errors import SetupError
from tasks_app.engine.limits import Limits
from tasks_app.engine.ports import Executor
from tasks_app.engine.registry import Registry
from tasks_app.executors.local import LocalExecutor
from tasks_app.logs import server_lines

if TYPE_CHECKING:
    from celery import Celery

_SCHEMES = frozenset({"redis", "rediss", "amqp", "amqps", "pyamqp", "redis+socket", "sentinel"})
BROKERS = "For example redis://localhost:6379/0, rediss://:password@redis.example.org:6380/0 or amqp://user:password@rabbit.example.org//."
MISSING = "IOTASK_BROKER_URL is set, and Celery is not installed: pip install -r requirements-celery.txt."


def limits_of(config: Config, *, signs: bool) -> Limits:
    """The engine's bounds, as the settings have them; `signs`: there is a secret for webhooks."""
    return Limits(
        max_running=config.max_running,
        max_waiting=config.max_waiting,
        max_running_each=config.running_each,
        max_waiting_each=config.waiting_each,
        keep_finished=config.keep_finished,
        keep_bytes=config.keep_bytes,
        keep_seconds=config.keep_hours * 3600,
        cancel_grace=config.cancel_grace_seconds,
        timeout=config.task_timeout,
        concurrency=config.limits,
        retry_concurrency=config.retry_limits,
        signs=signs,
    )


def is_broker(url: str) -> bool:
    """Whether each of the addresses in this text, set apart by semicolons, is one of a broker we know how to speak to."""
    try:
        parts = [urlsplit(part) for part in url.split(";")]
        return all(part.scheme in _SCHEMES and (part.hostname or part.path) and (part.port or 1) for part in parts)
    except ValueError:
        return False


def executor_of(config: Config, registry: Registry) -> tuple[Executor, Celery | None]:
    """The executor that the settings ask for, and the app that speaks to the broker, if there is one. Raises SetupError where Celery is not
    installed. The types in the registry now are those that workers have; what is registered later runs here."""
    local = LocalExecutor()
    if not config.broker_url.text:
        return local, None
    try:
        from tasks_app.executors.celery import CeleryExecutor
        from tasks_app.executors.cluster_app import app_of
    except ImportError:
        raise SetupError(MISSING) from None
    app = app_of(config.broker_url.text)
    if config.executor == "local":
        return local, app
    types = frozenset(task_type.name for task_type in registry)
    return CeleryExecutor(app, local, types, told=server_lines.broker, refused=server_lines.not_taken), app
