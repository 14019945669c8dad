"""The content security policy of our pages, under `serve` and in other projects alike: everything comes from where the page comes from."""

from __future__ import annotations

from csp.constants import NONE, SELF

DIRECTIVES: dict[str, list[str]] = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}
