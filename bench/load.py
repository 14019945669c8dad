"""Load over HTTP from a second process: wrk where it is installed, else a driver of our own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 32
_SCRIPT = """wrk.method = {method}
wrk.body = {body}
{headers}
"""


@dataclass(frozen=True)
class Load:
    """One request, asked again and again."""

    url: str
    method: str = "GET"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def rate(load: Load, seconds: int) -> float:
    """Answers a second, over so many seconds, on CONNECTIONS connections. Raises RuntimeError when one was no 2xx."""
    return _wrk(load, seconds) if shutil.which("wrk") else _driver(load, seconds)


def by() -> str:
    """What makes the load here."""
    return "wrk" if shutil.which("wrk") else "bench.driver"


def _wrk(load: Load, seconds: int) -> float:
    headers = "\n".join(f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in load.headers.items())
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(_SCRIPT.format(method=json.dumps(load.method), body=json.dumps(load.body), headers=headers), "utf-8")
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), load.url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Non-2xx or 3xx responses: \d+|Socket errors: .*", said)
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if bad or not found:
        raise RuntimeError(f"{load.method} {load.url}: {bad[0] if bad else said}")
    return float(found[1])


def _driver(load: Load, seconds: int) -> float:
    asked = json.dumps({"url": load.url, "method": load.method, "body": load.body, "headers": dict(load.headers), "seconds": seconds})
    done = subprocess.run([sys.executable, "-m", "bench.driver"], input=asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{load.method} {load.url}: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)
