"""Where our templates and static files are: in the checkout beside this package, in an installed one inside it.

Their folder in a package has a name of its own, so that no project finds them by looking into `templates` and `static` of its apps:
a `base.html` or a `404.html` of ours is none of theirs.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
INSTALLED = PACKAGE / "pages"
ROOT = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
