"""What this installation can run, and what its tasks may dial: the same for a server and for a worker."""

from __future__ import annotations

from urllib.parse import urlsplit

from tasks_app import guests, handlers
from tasks_app.conf import Config, allowed_hosts
from tasks_app.engine.registry import Registry
from tasks_app.handlers import download, two_step_report
from tasks_app.handlers._egress import door
from tasks_app.kafka.broker import address_of
from tasks_app.logs import server_lines

USUAL_PORTS = {"redis": 6379, "rediss": 6379, "valkey": 6379, "amqp": 5672, "amqps": 5671, "pyamqp": 5672}


def registry_of(config: Config) -> Registry:
    """All task types, each set up as the settings say; those that cannot be imported are left out, and told of."""
    registry = Registry()
    registry.discover(handlers)
    for module in config.handlers:
        registry.discover(module)
    guests.bring(registry)
    download.configure(config.download_dir)
    two_step_report.configure(config.files_dir)
    door.configure(
        config.targets,
        config.http_ports,
        metadata=config.targets_metadata,
        names=allowed_hosts(),
        kept_out=_brokers(config),
        dials=(config.dials_per_second, config.dials_at_once),
        alone=config.alone,
    )
    for module, error in registry.broken.items():
        server_lines.broken(module, error)
    return registry


def _brokers(config: Config) -> list[tuple[str, int]]:
    """Hosts and ports of what this installation depends on: no task dials them."""
    found = []
    if config.kafka:
        host, _, port = address_of(config.kafka).rpartition(":")
        found.append((host.strip("[]"), int(port)))
    for url in filter(None, config.broker_url.text.split(";")):
        parts = urlsplit(url)
        if parts.hostname:
            found.append((parts.hostname, parts.port or USUAL_PORTS.get(parts.scheme, 0)))
    return found
