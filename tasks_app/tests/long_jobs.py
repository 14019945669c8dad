"""Where a server looks for handlers here, jobs that draw how long they work draw the longest time: none of them ends within a test."""

from __future__ import annotations

import random

random.uniform = lambda low, high: high  # type: ignore[assignment]
