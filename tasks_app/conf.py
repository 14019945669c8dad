"""What IoTask is told: settings.IOTASK as one frozen Config. The only reader of Django's settings."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import django
import msgspec
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
Count = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]


class Hidden:
    """A text that is a secret: nothing that shows settings shows it."""

    __slots__ = ("text",)

    def __init__(self, text: str = "") -> None:
        self.text = text

    def __repr__(self) -> str:
        return "…" if self.text else "''"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All there is to set, with its defaults. `limits` are slots by task type, `retry_limits` those for further attempts where a type
    has such; sizes are in bytes; times in seconds."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8080
    max_memory: Annotated[int, msgspec.Meta(ge=0)] = 0  # bytes past which new tasks are refused; 0: most of what the machine has
    max_running: Count = 10_000
    max_waiting: Count = 1_000_000
    max_schedules: Annotated[int, msgspec.Meta(ge=0)] = 1_000
    max_running_per_user: Count | None = None  # this and the next five, None: what the properties below say
    max_waiting_per_user: Count | None = None
    effects_per_second: Count | None = None  # requests of one person that launch, cancel, retry, delete or set something
    launches_per_second: Count | None = None  # tasks, however many a request brings
    dials_per_second: Count | None = None  # to one host, for one person
    dials_at_once: Count | None = None  # connections to one host, for one person
    keep_finished: Annotated[int, msgspec.Meta(ge=0)] = 10_000
    keep_bytes: Count = 67_108_864  # of memory that all of these hold together
    keep_hours: NotNegative = 24.0
    grace_seconds: NotNegative = 10.0
    cancel_grace_seconds: NotNegative = 5.0
    task_timeout: Positive | None = None  # of an attempt, where neither the launch nor the type names one
    limits: dict[str, Count] = {}
    retry_limits: dict[str, Count] = {}
    handlers: tuple[str, ...] = ()
    download_dir: Path = Path("downloads")
    files_dir: Path = Path("files")  # what two_step_report writes, served under /files/ by the dialect io_bound
    max_body: Count = 65_536  # of a request; the next are those of bulk launches and actions, and of requests in a dialect
    max_bulk_body: Count = 16_777_216
    max_dialect_body: Count = 1_048_576
    max_connections: Count = 10_000  # or as many as the process may have descriptors
    max_connections_per_address: Count | None = None  # None: 512, and no bound for this machine's own addresses
    max_sockets: Count = 2_000  # live pages that are open
    max_sockets_per_user: Count | None = None  # None: 50; where nobody logs in, of one address, and no bound for this machine's own
    journal: Path | None = None  # a file that keeps accepted tasks over the end of the process; None: they live and go with it
    log_dir: Path = Path("logs")
    log_format: Literal["json", "logfmt"] = "json"
    log_max_bytes: Annotated[int, msgspec.Meta(ge=1000)] = 10_000_000
    log_files: Annotated[int, msgspec.Meta(ge=0)] = 5  # older ones that are kept beside app.log
    ping_address: str = "localhost"  # this and the next four: the pings of the dialect iotask
    ping_port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 80
    ping_count: Count = 200
    ping_interval: Positive = 1.0
    ping_timeout: Positive = 2.0
    report_pause: NotNegative = 10.0  # before each of the two steps of a report of the dialect io_bound
    job_timeout: Positive = 3.0  # of each try of a job of the dialect jobs, beside what its message says
    job_seconds: NotNegative = 5.0  # the longest a job of that dialect works
    targets: str = ""  # what tasks may dial: any, public, or a list; empty: any while only this machine can reach the server, else public
    targets_metadata: bool = False  # whether the metadata services of clouds may be among them
    http_ports: str = "80,443,8080,8443"  # those of public targets that tasks which speak HTTP may dial
    webhooks: Hidden = Hidden()  # where ends of tasks are told: type=address, set apart by commas, * for all; addresses may hold keys
    webhook_secret: Hidden = Hidden()  # whsec_ and Base64: signs those, and what launches ask for without a secret of their own
    webhook_secret_file: Path | None = None
    webhook_hours: Positive = 24.0  # how long a webhook that is not taken is tried again
    handler_logs: Literal["off", "debug", "info", "warning", "error"] = "info"  # from where on a task's log shows its handler's loggers
    executor: Literal["local", "celery"] = "local"  # where attempts run: in this process, or on Celery workers
    broker_url: Hidden = Hidden()  # of Celery's broker, with its password: to run tasks there, or to watch what runs there
    kafka: str = ""  # host or host:port of a broker whose topic `tasks` brings jobs; empty: none
    users: Hidden = Hidden()  # lines of name:role:hash; this and the next five say who is let in, see auth/
    users_file: Path | None = None
    tokens: Hidden = Hidden()  # lines of label:role:sha256
    tokens_file: Path | None = None
    proxy_auth: Hidden = Hidden()  # name=value, set apart by commas
    proxy_auth_file: Path | None = None
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose word on their clients is believed
    plain_http: bool = False  # whether passwords may travel without TLS to another machine
    open_to_others: bool = False  # whether a server without a login may listen beyond this machine
    exit_when_stuck: bool = False  # whether it ends once too many handlers do not stop, for whoever starts it again
    read_only: bool = False  # nobody may change anything about tasks
    auth: str = ""  # in another project: "django" for its own login, "own" for users and tokens as above, or the path of a function

    @property
    def by_host(self) -> bool:
        """Whether the project around us says who somebody is."""
        return self.auth not in ("", "own")

    @property
    def logs_in(self) -> bool:
        """Whether people are told apart."""
        files = (self.users_file, self.tokens_file, self.proxy_auth_file)
        return self.by_host or any(files) or any(lines.text.strip() for lines in (self.users, self.tokens, self.proxy_auth))

    @property
    def alone(self) -> bool:
        """Whether one person on this machine is all there is: then nobody is protected from anybody."""
        return not (self.logs_in or self.open_to_others)

    @property
    def running_each(self) -> int | None:
        """Slots that one person may hold: half of them where there is a login, None for all."""
        return self.max_running_per_user or (max(1, self.max_running // 2) if self.logs_in else None)

    @property
    def waiting_each(self) -> int | None:
        """Tasks of one person that may wait: half of the places where there is a login, None for all."""
        return self.max_waiting_per_user or (max(1, self.max_waiting // 2) if self.logs_in else None)

    @property
    def effects_each(self) -> int | None:
        """Effects of one person in a second, None for no bound."""
        return self.effects_per_second or (None if self.alone else 100)

    @property
    def launches_each(self) -> int | None:
        """Tasks that one person may launch in a second, None for no bound."""
        return self.launches_per_second or (None if self.alone else 1_000)

    @property
    def ping_params(self) -> dict[str, Any]:
        """What the dialect iotask launches: a ping that is completed after its last probe, whatever the probes said."""
        return {
            "address": self.ping_address,
            "port": self.ping_port,
            "count": self.ping_count,
            "interval": self.ping_interval,
            "timeout": self.ping_timeout,
            "fail_if_unreachable": False,
        }


def config_of(values: Any) -> Config:
    """A Config of a dictionary such as settings.IOTASK. Raises ImproperlyConfigured, by name, for what it cannot hold."""
    try:
        return msgspec.convert(values, Config, dec_hook=_decoded)
    except msgspec.ValidationError as error:
        raise ImproperlyConfigured(f"settings.IOTASK: {error}") from None


_chosen: dict[str, Any] = {}


@cache
def get_config() -> Config:
    """The Config of this process."""
    return config_of({**_usual(), **getattr(settings, "IOTASK", {}), **_chosen})


def _usual() -> dict[str, Any]:
    """In another project that has users, these are who is let in."""
    theirs = is_guest() and {"django.contrib.auth", "django.contrib.sessions"} <= {app.name for app in apps.get_app_configs()}
    return {"auth": "django"} if theirs else {}


def choose(**values: Any) -> None:
    """Put a command line's word above the settings. Raises ImproperlyConfigured."""
    config_of({**getattr(settings, "IOTASK", {}), **_chosen, **values})
    _chosen.update(values)
    get_config.cache_clear()


def allowed_hosts() -> list[str]:
    """The names this site answers to."""
    local = [".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else []  # as Django has it
    return list(settings.ALLOWED_HOSTS or local)


def trusted_origins() -> list[str]:
    """Origins of pages that may act here beside the site's own."""
    return list(settings.CSRF_TRUSTED_ORIGINS)


def debugging() -> bool:
    """Whether faults are shown with all their values."""
    return bool(settings.DEBUG)


def log_level() -> str:
    """What is written at least: debug, info, warning or error."""
    return str(getattr(settings, "LOG_LEVEL", "info")).lower()


def folder() -> Path:
    """Where paths begin that are not absolute."""
    return Path(getattr(settings, "BASE_DIR", "."))


def is_guest() -> bool:
    """Whether this is another project, which has us among its apps."""
    return str(settings.ROOT_URLCONF) != "iotask_site.urls"


def languages() -> list[str]:
    """The codes of those in which pages can be had: another project may speak many more."""
    return ["en", "ru"] if is_guest() else [code for code, _ in settings.LANGUAGES]


def csrf_in_sessions() -> bool:
    """Whether the secret of forms is kept in sessions of Django's, which our pages have none of."""
    return bool(settings.CSRF_USE_SESSIONS)


def own_task_backends() -> list[str]:
    """The aliases in TASKS that stand for this engine; Django before 6.0 has no such setting."""
    named = getattr(settings, "TASKS", {}) if django.VERSION >= (6, 0) else {}
    return [alias for alias, given in named.items() if str(given.get("BACKEND", "")).startswith("tasks_app.backends.")]


def csrf_cookie() -> str:
    """The name of the cookie that forms of people who are not logged in are held against."""
    return str(settings.CSRF_COOKIE_NAME)


def _decoded(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    if kind is Hidden and isinstance(value, str):
        return Hidden(value)
    raise TypeError(f"Expected a path or a text, got `{type(value).__name__}`")


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "IOTASK":
        get_config.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tasks_app.conf")
