"""Every setting there is, in groups, each with a sentence on what it bounds or says. The settings page and the API both read here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

COUNT, SECONDS, HOURS, BYTES, PLAIN = "count", "seconds", "hours", "bytes", ""
DEFAULTS: Mapping[str, Any] = {  # of the environment, where Config has another one or none
    "limits": {"long_computation": 10},
    "allowed_hosts": ["localhost", "127.0.0.1", "[::1]"],
    "trusted_origins": [],
    "log_level": "info",
    "debugging": False,
}


class Setting(Struct, frozen=True):
    """`name` is a field of conf.Config, or a function of conf that tells what Django was told. `variable` sets it in the environment;
    empty: only Django's settings do. `unset` are the words for a value that is empty, null, or a 0 that stands for something else."""

    name: str
    variable: str
    sentence: str | Promise
    unit: str = PLAIN
    unset: str | Promise = ""


class Group(Struct, frozen=True):
    """Settings that are read together."""

    name: str
    title: str | Promise
    about: str | Promise
    settings: tuple[Setting, ...]


_none, _off, _no_bound = _("none"), _("off"), _("no bound")

GROUPS = (
    Group(
        "work",
        _("Work"),
        _("how much runs and waits"),
        (
            Setting("max_running", "IOTASK_MAX_RUNNING", _("Tasks that run at once, all types together."), COUNT),
            Setting(
                "max_waiting", "IOTASK_MAX_WAITING", _("Tasks that may wait. Past it a launch is answered 503 with Retry-After."), COUNT
            ),
            Setting("max_schedules", "IOTASK_MAX_SCHEDULES", _("Schedules there may be. One more is answered 409."), COUNT),
            Setting(
                "exit_when_stuck",
                "IOTASK_EXIT_WHEN_STUCK",
                _("Whether the server ends, with exit code 70, once 16 handlers do not stop when asked: for whoever starts it again."),
            ),
            Setting(
                "limits", "IOTASK_LIMITS", _("Slots by task type at the start. WORKER_COUNT sets those of long_computation."), COUNT, _none
            ),
            Setting(
                "retry_limits",
                "IOTASK_RETRY_LIMITS",
                _("Slots for further attempts, for types that keep them apart from first ones."),
                COUNT,
                _none,
            ),
            Setting(
                "task_timeout",
                "IOTASK_TASK_TIMEOUT",
                _("How long an attempt may take where neither its launch nor its type says so."),
                SECONDS,
                _no_bound,
            ),
            Setting("grace_seconds", "IOTASK_GRACE_SECONDS", _("What running tasks get at the end before they are cancelled."), SECONDS),
            Setting(
                "cancel_grace_seconds",
                "IOTASK_CANCEL_GRACE_SECONDS",
                _("What a cancelled handler gets to clean up. After that it counts as stuck and its slot goes on."),
                SECONDS,
            ),
            Setting("handlers", "IOTASK_HANDLERS", _("Modules with task types beside those that come with IoTask."), PLAIN, _none),
            Setting("executor", "IOTASK_EXECUTOR", _("Where attempts run: in this process, or on Celery workers.")),
            Setting(
                "broker_url",
                "IOTASK_BROKER_URL",
                _("Celery's broker, to run tasks there or to watch what runs there. It may hold a password."),
            ),
        ),
    ),
    Group(
        "people",
        _("One person"),
        _("so that nobody is in anybody's way"),
        (
            Setting(
                "max_running_per_user",
                "IOTASK_MAX_RUNNING_PER_USER",
                _("Tasks of one person that run at once. Past it his tasks wait, and others' start."),
                COUNT,
                _("half of all with a login, else no bound"),
            ),
            Setting(
                "max_waiting_per_user",
                "IOTASK_MAX_WAITING_PER_USER",
                _("Tasks of one person that may wait. Past it his launches are answered 429 with Retry-After."),
                COUNT,
                _("half of all with a login, else no bound"),
            ),
            Setting(
                "effects_per_second",
                "IOTASK_EFFECTS_PER_SECOND",
                _("Launches, cancels, retries, deletes and changes of one person in a second, counted over ten; a search counts as 20."),
                COUNT,
                _("100 where others can come, else no bound"),
            ),
            Setting(
                "launches_per_second",
                "IOTASK_LAUNCHES_PER_SECOND",
                _("Tasks that one person launches in a second, counted over ten, however many a request brings."),
                COUNT,
                _("1,000 where others can come, else no bound"),
            ),
        ),
    ),
    Group(
        "memory",
        _("Memory and journal"),
        _("what is kept, where, for how long"),
        (
            Setting(
                "max_memory",
                "IOTASK_MAX_MEMORY_MB",
                _("What this process may hold. Past it new tasks are refused with 503; those that are here go on."),
                BYTES,
                _("80 % of what there is"),
            ),
            Setting("keep_finished", "IOTASK_KEEP_FINISHED", _("Finished tasks that are kept; the oldest leave first."), COUNT),
            Setting("keep_bytes", "IOTASK_KEEP_MB", _("Memory that finished tasks may hold together; the oldest leave first."), BYTES),
            Setting("keep_hours", "IOTASK_KEEP_HOURS", _("How long a finished task is kept."), HOURS),
            Setting(
                "journal",
                "IOTASK_JOURNAL",
                _("The file that keeps accepted tasks over the end of the process."),
                PLAIN,
                _off,
            ),
        ),
    ),
    Group(
        "connections",
        _("Connections"),
        _("where it listens, what one client may send"),
        (
            Setting("host", "HOST", _("The address it listens on. Beyond this machine it serves only with a login.")),
            Setting("port", "PORT", _("The port it listens on."), PLAIN, _("any free one")),
            Setting(
                "max_connections",
                "IOTASK_MAX_CONNECTIONS",
                _("Connections that may be open, or as many as the process may have descriptors. One too many is answered 503."),
                COUNT,
            ),
            Setting(
                "max_connections_per_address",
                "IOTASK_MAX_CONNECTIONS_PER_ADDRESS",
                _("The same from one address."),
                COUNT,
                _("512; no bound for this machine"),
            ),
            Setting(
                "max_sockets",
                "IOTASK_MAX_SOCKETS",
                _("Live pages that may be open. One more is answered 503, and asks now and then instead."),
                COUNT,
            ),
            Setting(
                "max_sockets_per_user",
                "IOTASK_MAX_SOCKETS_PER_USER",
                _("Live pages of one person, or of one address where nobody logs in. One more is closed with 4429 and asks now and then."),
                COUNT,
                _("50; no bound for this machine where nobody logs in"),
            ),
            Setting("max_body", "IOTASK_MAX_BODY_BYTES", _("The body of a request. A longer one is answered 413."), BYTES),
            Setting("max_bulk_body", "IOTASK_MAX_BULK_BODY_BYTES", _("The body of a launch or an action for many tasks at once."), BYTES),
            Setting("max_dialect_body", "IOTASK_MAX_DIALECT_BODY_BYTES", _("The body of a request in a dialect."), BYTES),
        ),
    ),
    Group(
        "targets",
        _("Targets"),
        _("what tasks may dial"),
        (
            Setting(
                "targets",
                "IOTASK_TARGETS",
                _("Addresses that tasks may dial: any, public ones, or a list of networks, addresses and names with ports."),
                PLAIN,
                _("any while only this machine can reach the server, else public"),
            ),
            Setting("targets_metadata", "IOTASK_TARGETS_METADATA", _("Whether the metadata services of clouds may be among them.")),
            Setting("http_ports", "IOTASK_HTTP_PORTS", _("Ports of public targets that http_check and download may dial.")),
            Setting(
                "dials_per_second",
                "IOTASK_DIALS_PER_SECOND",
                _("How often tasks of one person may dial one host in a second; twice as often its network, and all people together."),
                COUNT,
                _("200; no bound for one person on this machine"),
            ),
            Setting(
                "dials_at_once",
                "IOTASK_DIALS_AT_ONCE",
                _("Connections that tasks of one person may have open to one host; twice as many to its network, and all together."),
                COUNT,
                _("500; no bound for one person on this machine"),
            ),
        ),
    ),
    Group(
        "webhooks",
        _("Webhooks"),
        _("who is told when tasks end"),
        (
            Setting("webhooks", "IOTASK_WEBHOOKS", _("Addresses that are told of ends, by task type; not shown, as they may hold keys.")),
            Setting("webhook_secret", "IOTASK_WEBHOOK_SECRET", _("What signs them, and those of launches that bring no secret.")),
            Setting("webhook_secret_file", "IOTASK_WEBHOOK_SECRET_FILE", _("The same in a file."), PLAIN, _none),
            Setting("webhook_hours", "IOTASK_WEBHOOK_HOURS", _("How long one that is not taken is tried again."), HOURS),
        ),
    ),
    Group(
        "login",
        _("Login"),
        _("who may come, and what they may do"),
        (
            Setting("allowed_hosts", "ALLOWED_HOSTS", _("The names this site answers to.")),
            Setting("trusted_origins", "CSRF_TRUSTED_ORIGINS", _("Origins of other pages that may act here."), PLAIN, _none),
            Setting("users", "IOTASK_USERS", _("People with their roles and hashed passwords.")),
            Setting("users_file", "IOTASK_USERS_FILE", _("The same in a file that is read again when it changes."), PLAIN, _none),
            Setting("tokens", "IOTASK_TOKENS", _("Scripts with their roles and hashed tokens.")),
            Setting("tokens_file", "IOTASK_TOKENS_FILE", _("The same in a file that is read again when it changes."), PLAIN, _none),
            Setting("proxy_auth", "IOTASK_PROXY_AUTH", _("What a proxy shows that signs people in, and the headers that name them.")),
            Setting("proxy_auth_file", "IOTASK_PROXY_AUTH_FILE", _("The same in a file that is read again when it changes."), PLAIN, _none),
            Setting(
                "trusted_proxies",
                "IOTASK_TRUSTED_PROXIES",
                _("Addresses and networks whose word on where a client comes from is believed."),
                PLAIN,
                _none,
            ),
            Setting("plain_http", "IOTASK_PLAIN_HTTP", _("Whether passwords may travel without TLS to another machine.")),
            Setting("open_to_others", "", _("Whether it listens beyond this machine without a login: --i-know-this-is-open.")),
            Setting("auth", "", _("Who says who somebody is, where another project has IoTask among its apps.")),
            Setting("read_only", "READ_ONLY", _("Nobody, whatever the role, changes anything about tasks.")),
        ),
    ),
    Group(
        "files",
        _("Files and logs"),
        _("what is written where"),
        (
            Setting("download_dir", "DOWNLOAD_DIR", _("Where download puts what it fetched.")),
            Setting("files_dir", "FILES_DIR", _("Where reports are written.")),
            Setting("log_dir", "LOG_DIR", _("Where app.log and audit.log are.")),
            Setting("log_level", "LOG_LEVEL", _("What is written of lesser importance: debug, info, warning or error.")),
            Setting("log_format", "LOG_FORMAT", _("The form of app.log.")),
            Setting("log_max_bytes", "LOG_MAX_BYTES", _("A log file that would grow past it is put aside, and a new one begins."), BYTES),
            Setting(
                "handler_logs", "IOTASK_HANDLER_LOGS", _("From which level on a task’s log shows what its handler’s loggers say, or off.")
            ),
            Setting("log_files", "LOG_FILES", _("Older log files that are kept."), COUNT, _none),
            Setting("debugging", "DEBUG", _("Whether faults are shown with all their values. Never on where others can come.")),
        ),
    ),
    Group(
        "dialects",
        _("Dialects"),
        _("the APIs of other services"),
        (
            Setting("ping_address", "IOTASK_PING_ADDRESS", _("Where pings of the dialect iotask go.")),
            Setting("ping_port", "IOTASK_PING_PORT", _("Their port.")),
            Setting("ping_count", "IOTASK_PING_COUNT", _("How many probes each sends."), COUNT),
            Setting("ping_interval", "IOTASK_PING_INTERVAL", _("From one probe to the next."), SECONDS),
            Setting("ping_timeout", "IOTASK_PING_TIMEOUT", _("How long a probe is waited for."), SECONDS),
            Setting("report_pause", "IOTASK_REPORT_PAUSE", _("Before each of the two steps of a report of the dialect io_bound."), SECONDS),
            Setting("job_timeout", "IOTASK_JOB_TIMEOUT", _("What a try of a job of the dialect jobs may take."), SECONDS),
            Setting("job_seconds", "IOTASK_JOB_SECONDS", _("The longest such a job works."), SECONDS),
            Setting("kafka", "IOTASK_KAFKA", _("The broker whose topic brings jobs."), PLAIN, _off),
        ),
    ),
)
