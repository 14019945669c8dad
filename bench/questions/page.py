"""The Tasks page with 50 rows in a Chromium: bytes over the wire and the first paint, with nothing in its cache and once more with what the
first visit left there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from bench import places
from bench.api import api_of
from bench.figures import Found, told
from bench.looks import look
from soak.figures import quantile

TAKES = 40
NAMES = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


class Load(NamedTuple):
    """One load of the page: its `size` over the wire, with heads, in bytes; requests; milliseconds until something is painted."""

    size: float
    requests: int
    paint: float


def run(full: bool, folder: Path) -> list[Found]:
    """Each first load in a context of its own."""
    times = 15 if full else 2
    chromium = next((found for name in NAMES if (found := shutil.which(name))), None)
    if chromium is None:
        raise RuntimeError(f"there is none of {', '.join(NAMES)} here")
    with places.iotask(folder) as server, api_of(server) as api:
        api.launch("sleeper", 60)
        api.all_begun()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            visits = [_visits(browser, server.url) for _ in range(times)]
            browser.close()
        took = look(server, "/", 20 * times)
    return [
        *_told("first load", [first for first, _ in visits]),
        *_told("second load", [again for _, again in visits]),
        *_server(took.median),
    ]


def _visits(browser: Browser, url: str) -> tuple[Load, Load]:
    context = browser.new_context()
    try:
        return _load(context, url), _load(context, url)
    finally:
        context.close()


def _load(context: BrowserContext, url: str) -> Load:
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sent: list[float] = []

    def finished(event: dict[str, Any]) -> None:
        sent.append(float(event["encodedDataLength"]))

    network.on("Network.loadingFinished", finished)
    page.goto(url, wait_until="load")
    page.wait_for_function(PAINT, polling=50)
    paint = float(page.evaluate(PAINT))
    page.close()
    return Load(sum(sent), sum(one > 0 for one in sent), paint)


def _told(name: str, loads: list[Load]) -> list[Found]:
    return [
        told(f"{name}, bytes over the wire", quantile([load.size for load in loads], 0.5) / 1024, "KiB"),
        told(f"{name}, requests", quantile([load.requests for load in loads], 0.5), "", 0),
        told(f"{name}, first contentful paint, median", quantile([load.paint for load in loads], 0.5), "ms", 0),
    ]


def _server(median: float) -> list[Found]:
    return [told("the page alone, as one client gets it, median", median, "ms")]
