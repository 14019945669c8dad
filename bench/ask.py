"""`python -m bench.ask QUESTION FOLDER [--quick]`: ask one question, say what was found, and write it into docs/benchmarks.md unless it was
quick."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from bench import machine, report


def main(name: str, folder: Path, *, full: bool) -> None:
    """See the module."""
    question = import_module(f"bench.questions.{name}")
    where = machine.described()
    answer = question.run(full, folder)
    print("\n".join(report.tables(answer)))
    if full:
        report.write(name, (question.__doc__ or "").strip(), answer, where)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), full="--quick" not in sys.argv)
