"""JSONTestSuite: 318 texts that are JSON, are none, or are up to the reader."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

DATA = Path(__file__).with_name("data")
ARCHIVE = DATA / "json_test_suite.tar.xz"


@cache
def suite() -> Mapping[str, bytes]:
    """The texts by the names of their files."""
    found = {}
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
    del found["LICENSE"]
    return found


@cache
def known() -> Mapping[str, str]:
    """What is answered to the texts that are JSON, and to those that are up to us: `status code`, by the names of their files."""
    lines = DATA.joinpath("json_test_suite.txt").read_text("utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines)
