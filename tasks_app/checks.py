"""System checks: what is set and cannot work is told at the start, before a task finds out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from tasks_app import handlers
from tasks_app.auth import access
from tasks_app.auth.errors import WrongLogin
from tasks_app.conf import Config, csrf_in_sessions, get_config, is_guest
from tasks_app.engine.errors import DuplicateType, InvalidParams
from tasks_app.engine.registry import Registry
from tasks_app.handlers._targets import policy_of
from tasks_app.handlers.ping import ping
from tasks_app.kafka.broker import address_of
from tasks_app.webhooks.hooks import hooks_of, secret_in
from tasks_app.workplace import BROKERS, MISSING, is_broker


@register()
def check_iotask(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Everything about settings.IOTASK."""
    try:
        config = get_config()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="iotask.E001")]
    return [
        *_types(config),
        *_folders(config),
        *_pings(config),
        *_broker(config.kafka),
        *_celery(config),
        *_targets(config),
        *_webhooks(config),
        *_login(),
        *_guest(config),
    ]


def _types(config: Config) -> Iterator[CheckMessage]:
    registry = Registry()
    try:
        registry.discover(handlers)
        for module in config.handlers:
            registry.discover(module)
    except DuplicateType as error:
        yield Error(f"{error} Task type names are unique.", id="iotask.E002")
        return
    for module, reason in registry.broken.items():
        yield Warning(f"The task types in {module} are left out: {reason}", hint="IOTASK_HANDLERS names modules.", id="iotask.W001")
    known = {task_type.name for task_type in registry}
    with_retry_slots = {task_type.name for task_type in registry if task_type.retry_concurrency is not None}
    for setting, limits in (("IOTASK_LIMITS", config.limits), ("IOTASK_RETRY_LIMITS", config.retry_limits)):
        for name in sorted(set(limits) - known):
            yield _no_limit(setting, name, "there is no such task type", known, unsure=bool(registry.broken))
    for name in sorted(set(config.retry_limits) & known - with_retry_slots):
        yield _no_limit("IOTASK_RETRY_LIMITS", name, "its retries have no slots of their own", with_retry_slots)


def _no_limit(setting: str, name: str, why: str, possible: set[str], *, unsure: bool = False) -> CheckMessage:
    """A limit for what has none; `unsure` where the type may be in a module that could not be imported."""
    text, hint = f"{setting} sets a limit for {name}, and {why}.", f"Task types: {', '.join(sorted(possible))}."
    return Warning(text, hint=hint, id="iotask.W002") if unsure else Error(text, hint=hint, id="iotask.E003")


def _folders(config: Config) -> Iterator[CheckMessage]:
    """Where tasks write. A folder may be made later: what counts now is the nearest one above it that exists."""
    for what, folder in (("Downloads", config.download_dir), ("Reports", config.files_dir)):
        nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            text = f"{what} cannot be kept in {folder}: {nearest} is not a folder this account may write to."
            yield Warning(text, id="iotask.W003")


def _pings(config: Config) -> Iterator[CheckMessage]:
    """Each of these values may be right by itself, and still no ping can be launched with them."""
    try:
        ping.encode(config.ping_params)
    except InvalidParams as error:
        for field, text in error.problems:
            name = field.removeprefix("params.")
            value = config.ping_params.get(name)
            yield Error(f"IOTASK_PING_{name.upper()} is {value!r}, and no ping can be launched with it: {text}.", id="iotask.E004")


def _broker(name: str) -> Iterator[CheckMessage]:
    try:
        if name:
            address_of(name)
    except ValueError as error:
        yield Error(f"IOTASK_KAFKA: {error}", id="iotask.E005")


def _celery(config: Config) -> Iterator[CheckMessage]:
    url = config.broker_url.text
    if not url:
        if config.executor == "celery":
            yield Error("IOTASK_EXECUTOR is celery, and IOTASK_BROKER_URL says no broker.", hint=BROKERS, id="iotask.E011")
    elif not is_broker(url):
        yield Error("IOTASK_BROKER_URL is not the address of a broker that can be spoken to.", hint=BROKERS, id="iotask.E012")
    elif find_spec("celery") is None:
        yield Error(MISSING, id="iotask.E013")


def _targets(config: Config) -> Iterator[CheckMessage]:
    try:
        policy_of(config.targets or "public", config.http_ports)
    except ValueError as error:
        yield Error(str(error), id="iotask.E006")


def _webhooks(config: Config) -> Iterator[CheckMessage]:
    try:
        hooks_of(config.webhooks.text, secret_in(config.webhook_secret.text, config.webhook_secret_file))
    except ValueError as error:
        yield Error(str(error), id="iotask.E008")


def _guest(config: Config) -> Iterator[CheckMessage]:
    """What another project has to say before our pages can stand in it."""
    if not is_guest():
        return
    if csrf_in_sessions():
        yield Error("CSRF_USE_SESSIONS is on, and IoTask's pages have no sessions of Django's: leave it off.", id="iotask.E010")
    if config.by_host and config.auth != "django":
        try:
            import_string(config.auth)
        except ImportError as error:
            yield Error(
                f'settings.IOTASK["auth"] is {config.auth!r}; allowed: own, django, or the path of a function. {error}', id="iotask.E011"
            )
    if not (config.logs_in or config.open_to_others):
        yield Warning("Nobody is let in to IoTask's pages: docs/mounting.md says how to name who may.", id="iotask.W010")


def _login() -> Iterator[CheckMessage]:
    try:
        access.get()
    except WrongLogin as error:
        yield Error(str(error), id="iotask.E007")
