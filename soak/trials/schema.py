"""Requests made up from the OpenAPI document of a server, right ones and wrong ones: each answer is as the document says, and no fault."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from soak.figures import Figure
from soak.server import serving

STREAM = "/api/v2/events"  # has no end
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


async def run(full: bool, folder: Path) -> list[Figure]:
    """Every operation; 100 requests of each kind in full, 3 in the quick form."""
    return await asyncio.to_thread(_tried, 100 if full else 3, folder)


def _tried(count: int, folder: Path) -> list[Figure]:
    statuses: Counter[int] = Counter()
    mismatches: list[str] = []
    with serving(folder, IOTASK_TARGETS="192.0.2.1:9", IOTASK_MAX_RUNNING="1") as server:
        schema = schemathesis.openapi.from_url(f"{server.url}/api/v2/openapi.json")
        operations: list[Any] = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
        for operation in operations:
            if operation.path != STREAM:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    _try(operation, mode, count, statuses, mismatches)
    failed = sum(number for status, number in statuses.items() if status >= 500 and status != 503)
    tried = f"{statuses.total():,} requests, {len(operations) - 1} operations"
    return [
        Figure(f"{tried}: server errors", "0", str(failed), failed == 0),
        Figure(f"{tried}: answers unlike the document", "0", f"{len(mismatches)} {'; '.join(mismatches[:3])}".strip(), not mismatches),
    ]


def _try(operation: Any, mode: GenerationMode, count: int, statuses: Counter[int], mismatches: list[str]) -> None:
    """Requests of one kind to one operation. What cannot be wrong has none of the wrong kind."""

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def tries(case: Any) -> None:
        answer = case.call()
        statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except Exception as error:  # whatever a check raises is a mismatch
            mismatches.append(f"{operation.method} {operation.path}: {answer.status_code} {str(error)[:80]!r}")

    try:
        tries()
    except Exception as error:
        if "negative" not in str(error).lower() and "Unsatisfiable" not in type(error).__name__:
            raise
