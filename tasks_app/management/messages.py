"""What has to be translated: every text that code and templates hand to a translation function, and where it stands.

In code these are Django's functions, `say` and its kin of engine/sentences.py, descriptions of params, titles of task types,
what checks of params say, and the docstrings that are default messages of errors. Templates are read by Django's own parser.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from django.template import Engine
from django.template.base import Node, Template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from msgspec import Struct

# Function -> which of its arguments are a context, a text and the plural; None where there is none.
_CALLS: dict[str, tuple[int | None, int, int | None]] = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop", "say"), (None, 0, None)),
    **dict.fromkeys(("ngettext", "ngettext_lazy", "say_many"), (None, 0, 1)),
    **dict.fromkeys(("kept", "Kept"), (None, 0, 1)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (0, 1, None)),
    "npgettext": (0, 1, 2),
    "PydanticCustomError": (None, 1, None),
}
_KEYWORDS = {"Field": "description", "task_type": "title"}  # of handlers: what else has fields is told to programs alone

_Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_ERRORS = "tasks_app/engine/errors.py"
_WITH_PARAMS = ("tasks_app/handlers/", "tasks_app/engine/bulk")


class Message(Struct, frozen=True, order=True):
    """A text, its plural and its context where it has them, and the `file:line` it stands at."""

    place: str
    text: str
    plural: str = ""
    context: str = ""

    @property
    def is_format(self) -> bool:
        """Whether it is a template of `str.format`, and not one of `%`."""
        return "{" in self.text


def messages(root: Path) -> list[Message]:
    """All messages of the project whose folder is `root`, by file."""
    code = [path for path in sorted((root / "tasks_app").rglob("*.py")) if "tests" not in path.parts and path.name != "messages.py"]
    found = [*(_of_code(path, root) for path in (root / "iotask_site" / "settings.py", *code))]
    found += [_of_template(path, root) for path in sorted((root / "templates").rglob("*.html"))]
    return [message for part in found for message in part]


def _of_code(path: Path, root: Path) -> Iterator[Message]:
    where, tree = path.relative_to(root).as_posix(), ast.parse(path.read_text("utf-8"))
    names = functions(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_call(node, where, names)
        elif isinstance(node, _Documented) and (_is_handler(node) or (where == _ERRORS and _refuses(node))):
            yield from _of_docstring(node, where)


def functions(tree: ast.AST) -> dict[str, str]:
    """What translation functions are called in a module: `{"_": "gettext", …}`."""
    found = {name: name for name in _CALLS}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
    return found


def _of_call(node: ast.Call, where: str, names: Mapping[str, str]) -> Iterator[Message]:
    called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
    name = names.get(called, called)
    if name in _CALLS:
        context, text, plural = (None if place is None else _text(node.args, place) for place in _CALLS[name])
        if text:
            yield Message(f"{where}:{node.lineno}", text, plural or "", context or "")
    for keyword in node.keywords if where.startswith(_WITH_PARAMS) or name == "task_type" else ():
        if keyword.arg == _KEYWORDS.get(name) and isinstance(keyword.value, ast.Constant):
            yield Message(f"{where}:{node.lineno}", str(keyword.value.value))


def _text(arguments: list[ast.expr], place: int) -> str:
    found = arguments[place] if place < len(arguments) else None
    return found.value if isinstance(found, ast.Constant) and isinstance(found.value, str) else ""


def _is_handler(node: _Documented) -> bool:
    return any(isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "task_type" for one in node.decorator_list)


def _refuses(node: _Documented) -> bool:
    return isinstance(node, ast.ClassDef) and not any(
        isinstance(base, ast.Name) and base.id in ("Exception", "BaseException") and node.name != "EngineError" for base in node.bases
    )


def _of_docstring(node: _Documented, where: str) -> Iterator[Message]:
    if text := ast.get_docstring(node):
        yield Message(f"{where}:{node.lineno}", inspect.cleandoc(text))


def _of_template(path: Path, root: Path) -> Iterator[Message]:
    where = path.relative_to(root).as_posix()
    engine = Engine.get_default()
    for node in _nodes(Template(path.read_text("utf-8"), engine=engine).nodelist):
        place = f"{where}:{node.token.lineno if node.token else 0}"
        if isinstance(node, TranslateNode):
            yield Message(
                place, str(node.filter_expression.var.literal).replace("%", "%%"), context=_context(node)
            )  # as Django looks it up
        elif isinstance(node, BlockTranslateNode):
            texts = [node.render_token_list(tokens)[0] for tokens in (node.singular, node.plural) if tokens]
            yield Message(place, texts[0], texts[1] if node.plural else "", _context(node))


def _context(node: TranslateNode | BlockTranslateNode) -> str:
    return str(node.message_context.var) if node.message_context else ""


def _nodes(nodes: Iterable[Node]) -> Iterator[Node]:
    """All nodes of a template, those within others included, without what it includes or extends."""
    for node in nodes:
        yield node
        for name in node.child_nodelists:
            yield from _nodes(getattr(node, name, None) or ())
