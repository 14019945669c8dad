"""`python -m soak [--quick] [TRIAL …]`: see the package."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import pkgutil
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from soak import report, trials
from soak.figures import Figure


def names() -> list[str]:
    """All trials there are."""
    return sorted(found.name for found in pkgutil.iter_modules(trials.__path__))


def trial(name: str, *, full: bool, folder: Path) -> tuple[str, Sequence[Figure]]:
    """Run one. What it does, as a sentence, and what it found."""
    module = import_module(f"soak.trials.{name}")
    return (module.__doc__ or "").strip(), asyncio.run(module.run(full, folder))


def main() -> int:
    """Run the trials that are named, or all. 1 when a promise does not hold."""
    asked = argparse.ArgumentParser(prog="soak")
    asked.add_argument("trials", nargs="*", metavar="TRIAL", help=", ".join(names()))
    asked.add_argument("--quick", action="store_true")
    given = asked.parse_args()
    bad = 0
    for name in given.trials or names():
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            found = trial(name, full=not given.quick, folder=Path(folder))
        print(f"{name} ({time.monotonic() - began:,.0f} s)", flush=True)
        for figure in found[1]:
            print(f"  {'holds' if figure.holds else 'FAILS'}  {figure.what}: {figure.found} (wanted: {figure.wanted})", flush=True)
            bad += not figure.holds
        if not given.quick:
            report.write({name: found}, datetime.datetime.now(datetime.UTC).date().isoformat())
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
