"""docs/benchmarks.md: what stands between a question's marks is written by `make bench`, and stays until it is asked again."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

from bench import machine
from bench.figures import Found
from bench.rounds import OURS, Race
from soak.report import put

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
Answer = Sequence[Race] | Sequence[Found]


def write(name: str, sentence: str, answer: Answer, where: str, page: Path = PAGE) -> None:
    """Put what a question found in its place, with the day and the machine."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    foot = f"{today}; {where}; {machine.versions()}."
    put({name: "\n".join([f"### {name}", "", sentence, "", *tables(answer), foot, ""])}, page, "question")


def tables(answer: Answer) -> list[str]:
    """What was found as lines of Markdown: a table for each race, one for all figures."""
    races = [line for one in answer if isinstance(one, Race) for line in _race(one)]
    found = [one for one in answer if isinstance(one, Found)]
    return races + (_found(found) if found else [])


def _race(race: Race) -> list[str]:
    head = f"| {race.what} | {race.unit}, median | lowest to highest | IoTask to it, median | lowest to highest | target | met |"
    return [head, "| --- | ---: | --- | ---: | --- | --- | --- |", *(_contestant(race, name) for name in race.rounds), ""]


def _contestant(race: Race, name: str) -> str:
    cells = [name, _figure(race.median(name)), _span(race.rounds[name])]
    if name == OURS:
        wanted = "" if race.least is None else f"at least {race.least:,g} {race.unit}"
        cells += ["", "", wanted]
    else:
        wanted = f"IoTask at least {race.ratios[name]:g} x" if name in race.ratios else ""
        cells += [_figure(race.ratio(name)), _span(race.to(name)), wanted]
    return "| " + " | ".join([*cells, _met(race.met(name))]) + " |"


def _found(found: Sequence[Found]) -> list[str]:
    rows = [f"| {one.what} | {one.found} | {one.wanted} | {_met(one.met)} |" for one in found]
    return ["| what | found | target | met |", "| --- | --- | --- | --- |", *rows, ""]


def _span(values: Sequence[float]) -> str:
    return f"{_figure(min(values))} to {_figure(max(values))}"


def _met(met: bool | None) -> str:
    return {True: "yes", False: "**no**", None: ""}[met]


def _figure(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
