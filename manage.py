#!/usr/bin/env python
"""The command line: `python manage.py help` lists what it can do."""

from __future__ import annotations

from iotask_site.command import run

if __name__ == "__main__":
    run()
