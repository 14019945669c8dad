"""/metrics: what stands there, in which words, for whom, and that neither hostile names nor many tasks make it long."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read

from tasks_app.api import figures, metrics
from tasks_app.auth.audit import audit
from tasks_app.engine.buckets import BOUNDS, Buckets
from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import launch, until

DOCS = Path(__file__).parents[3] / "docs"
UNITS = {"seconds", "bytes"}
NOT_OURS = ("process_", "python_")


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """With a journal, so that its figures are there too."""
    return {"journal": tmp_path / "journal"}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> figures.Names:
    """No label was given to anybody yet."""
    fresh = figures.Names()
    monkeypatch.setattr(figures, "names", fresh)
    return fresh


async def values(client: httpx.AsyncClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = (await client.get("/metrics")).text
    return {(s.name, frozenset(s.labels.items())): s.value for family in read(text) for s in family.samples}


def of(found: dict[Any, float], name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


async def test_what_tasks_went_through_is_counted_by_type_and_outcome(client: httpx.AsyncClient):
    await until(client, (await launch(client, params={"to": 1, "interval": 0}))["id"], "completed")
    body = {"type": "scripted", "params": {"mode": "fail"}, "max_attempts": 1}
    failing = (await client.post("/api/v2/tasks", json=body)).json()
    await until(client, failing["id"], "failed")
    found = await values(client)
    assert of(found, "iotask_tasks", type="count", status="completed") == 1
    assert of(found, "iotask_task_duration_seconds_count", type="count", outcome="completed") == 1
    assert of(found, "iotask_task_duration_seconds_count", type="scripted", outcome="failed") == 1
    assert of(found, "iotask_task_attempts_total", type="scripted", outcome="failed") == 1
    assert of(found, "iotask_task_wait_seconds_count", type="count") == 1
    assert of(found, "iotask_task_retries_total", type="scripted") == 0
    assert of(found, "iotask_queue_depth", type="count") == 0
    assert of(found, "iotask_journal_size_bytes") > 0
    assert of(found, "iotask_journal_up") == 1


async def test_retries_and_both_attempts_are_counted(client: httpx.AsyncClient, now: Runtime):
    kind = now.registry.get("scripted")
    body = {"type": "scripted", "params": {"mode": "fail"}, "max_attempts": 2}
    task = (await client.post("/api/v2/tasks", json=body)).json()
    await until(client, task["id"], "failed")
    found = await values(client)
    assert of(found, "iotask_task_retries_total", type=kind.name) == 1
    assert of(found, "iotask_task_attempts_total", type=kind.name, outcome="failed") == 2
    assert of(found, "iotask_task_wait_seconds_count", type=kind.name) == 2


async def test_refusals_are_counted_by_their_code(client: httpx.AsyncClient, now: Runtime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(now.engine.admission, "_room", lambda: "No room.")
    audit.refused.clear()
    assert (await client.post("/api/v2/tasks", json={"type": "count"})).status_code == 503
    assert now.engine.admission.refused == {"no_room": 1}
    assert of(await values(client), "iotask_refusals_total", reason="no_room") == 1


async def test_openmetrics_is_answered_where_it_is_asked_for(client: httpx.AsyncClient):
    answer = await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.headers["vary"].find("Accept") >= 0
    assert "iotask_tasks" in {family.name for family in read_openmetrics(answer.text)}


async def test_names_units_and_help_are_as_prometheus_wants_them(client: httpx.AsyncClient):
    text = (await client.get("/metrics")).text
    for family in read(text):
        if family.name.startswith(NOT_OURS):
            continue
        assert re.fullmatch(r"iotask_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        assert f"# TYPE {family.name}" in text
        last = family.name.rpartition("_")[2]
        assert (family.type == "counter") is (f"{family.name}_total" in text), family.name
        assert last not in {"total", "count", "sum", "bucket", "ms", "milliseconds", "minutes", "kb", "mb"}
        assert family.type != "histogram" or last in UNITS
        assert all(not re.search("[A-Z]", label) for sample in family.samples for label in sample.labels)


@pytest.mark.parametrize("name", ["a\nb 1\n# HELP", 'x"} 1', "\\", "\u202eolleh", "<script>", 10_000 * "n"])
async def test_a_hostile_name_of_a_type_is_one_label_and_no_line_of_its_own(client: httpx.AsyncClient, now: Runtime, name: str):
    now.engine.stats.totals[name, "launched"] += 1
    found = await values(client)
    label = name if len(name) <= 64 else name[:63] + "…"
    assert of(found, "iotask_tasks_launched_total", type=label) == 1


async def test_types_past_the_bound_are_counted_together(client: httpx.AsyncClient, now: Runtime):
    for number in range(1000):
        now.engine.stats.totals[f"made_up_{number}", "launched"] += 1
        now.engine.stats.totals[f"made_up_{number}", "completed"] += 1
    found = await values(client)
    labels = {dict(labels).get("type") for name, labels in found if name == "iotask_tasks_launched_total"}
    assert len(labels) == figures.MOST + 1
    assert sum(value for (name, _), value in found.items() if name == "iotask_tasks_launched_total") == 1000


async def test_a_scrape_walks_over_no_task(client: httpx.AsyncClient, now: Runtime, monkeypatch: pytest.MonkeyPatch):
    await until(client, (await launch(client, params={"to": 1, "interval": 0}))["id"], "completed")

    def walked(*_: Any, **__: Any) -> Any:
        raise AssertionError("looked at tasks")

    for reader in ("numbers", "many", "page", "find", "by_number"):
        monkeypatch.setattr(now.store, reader, walked)
    assert (await client.get("/metrics")).status_code == 200


def test_buckets_hold_what_is_at_most_their_bound():
    found = Buckets()
    for seconds in (0.0, 0.001, 0.0011, 86_400.0, 86_401.0):
        found.add(seconds)
    assert found.counts[0] == 2
    assert found.counts[1] == 1
    assert found.counts[len(BOUNDS) - 1] == 1
    assert found.counts[-1] == 1
    assert found.total == pytest.approx(172_801.0021)


def expressions() -> Iterator[tuple[str, str]]:
    """All of the dashboard and the alerts, with where they stand."""
    board = json.loads((DOCS / "grafana-dashboard.json").read_text("utf-8"))
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield f"dashboard: {panel['title']}", target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield "dashboard: a variable", re.sub(r"^label_values\((.*), \w+\)$", r"\1", variable["query"])
    for group in yaml.safe_load((DOCS / "alerts.yaml").read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield f"alert: {rule['alert']}", rule["expr"]


def plain(expression: str) -> str:
    """With values in place of Grafana's variables."""
    return expression.replace("$__rate_interval", "5m").replace("$__range", "1h").replace("$type", ".*").replace("$instance", ".*")


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_each_expression_of_dashboard_and_alerts_can_be_parsed(where: str, expression: str):
    promql_parser.parse(plain(expression))


async def test_each_metric_of_dashboard_and_alerts_exists(client: httpx.AsyncClient, now: Runtime):
    await until(client, (await launch(client, params={"to": 1, "interval": 0}))["id"], "completed")
    now.webhooks.tries["2xx"] += 1
    audit.refused["role_too_low"] += 1
    known = {name: {label for label, _ in labels} for name, labels in await values(client)}
    used = {name for _, text in expressions() for name in re.findall(r"\b((?:iotask|process|python)_[a-z_]+)", text)}
    assert used <= set(known)
    assert len(used) > 30
    selected = [found for _, text in expressions() for found in re.findall(r"\b((?:iotask|process)_[a-z_]+)\{([^}]*)\}", text)]
    assert len(selected) > 30
    for name, labels in selected:
        assert set(re.findall(r"(\w+)(?:=|!)", labels)) <= known[name] | {"instance", "job"}, name
    grouped = [found for _, text in expressions() for found in re.findall(r"by \(([a-z, ]+)\) \((?:\w+\()?(iotask_\w+)", text)]
    assert len(grouped) > 10
    for labels, name in grouped:
        assert set(labels.split(", ")) <= known[name] | {"instance"}, name


def test_the_page_on_metrics_lists_each():
    page = (DOCS / "observability.md").read_text("utf-8")
    source = "".join(Path(module.__file__ or "").read_text("utf-8") for module in (figures, metrics))
    for name in set(re.findall(r'"(iotask_[a-z_]+)"', source)):
        assert f"`{name}" in page, name


def test_the_dashboard_imports_as_it_is():
    board = json.loads((DOCS / "grafana-dashboard.json").read_text("utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert board["id"] is None
    assert board["__inputs"][0]["pluginId"] == "prometheus"
    assert all(panel["datasource"]["uid"] == "${DS_PROMETHEUS}" for panel in board["panels"] if panel["type"] != "row")


def test_each_alert_says_what_it_is_and_what_to_do():
    for group in yaml.safe_load((DOCS / "alerts.yaml").read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert set(rule["annotations"]) == {"summary", "description"}
