"""The shop's own middleware: it marks what it has seen."""

from __future__ import annotations

from typing import Any


def by_the_shop(get_response: Any) -> Any:
    """Says that the shop has answered."""

    def answer(request: Any) -> Any:
        response = get_response(request)
        response["X-Shop"] = "open"
        return response

    return answer
