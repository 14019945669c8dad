"""No text that a person sees stands outside the translation functions: templates, code and scripts are looked through for such."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tasks_app.management.messages import functions
from tasks_app.presenters.activity_words import _SAID
from tasks_app.tests.processes import ROOT

# ----- templates: what is left of a template without its tags must hold no words but these

SAME_EVERYWHERE = re.compile(
    r"IoTask|\bAPI\b|\bUTC\b|\bCSV\b|\bJSON\b|openapi\.json|Authorization: Bearer|example\.org:80|audit\.log"
    r"|(?:GET|POST|PATCH|PUT|DELETE) /\S+|/api/\S+|IOTASK_\w+"
)
WORD = re.compile(r"[A-Za-zА-Яа-яЁё]{2,}")
SPOKEN = frozenset(
    {"aria-label", "title", "placeholder", "alt", "aria-description", "aria-roledescription", "aria-valuetext", "summary", "label"}
)
SILENT = ("script", "style", "code", "pre", "kbd")  # kbd: names of keys
NAMES_OF_TYPES = frozenset({"ping"})  # in the picture of a row
IN_ENGLISH = frozenset({"api/docs.html"})  # the API speaks English, and so does the page that documents it


class Texts(HTMLParser):
    """Collects what a reader sees of a template: its text, and the attributes that are shown or read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        self.found += [value for name, value in attrs if value and (name in SPOKEN or (name.startswith("data-") and " " in value.strip()))]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if self._silent <= 0:
            self.found.append(data)


def of_template(source: str) -> list[str]:
    """Texts of a template outside the translation tags."""
    source = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}|{%-? *blocktrans.*?{% *endblocktrans\w* *%}", "", source, flags=re.DOTALL)
    source = re.sub(r"{%.*?%}", "", re.sub(r"{{.*?}}", "", source), flags=re.DOTALL)
    parser = Texts()
    parser.feed(source)
    parser.close()
    shown = (SAME_EVERYWHERE.sub("", text).strip() for text in parser.found)
    return [text for text in shown if any(word not in NAMES_OF_TYPES for word in WORD.findall(text))]


TEMPLATES = [
    path for path in sorted((ROOT / "templates").rglob("*.html")) if path.relative_to(ROOT / "templates").as_posix() not in IN_ENGLISH
]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_a_template_says_nothing_past_the_translation_tags(path: Path):
    assert of_template(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Nothing here</p>",
        "<p>{% translate 'a' %} and</p>",
        '<a aria-label="More">{{ x }}</a>',
        '<p data-words="Load it again">',
        "{% if x %}None{% endif %}",
        "<option>None</option>",
    ],
)
def test_text_in_a_template_is_found(source: str):
    assert of_template(source)


@pytest.mark.parametrize(
    "source",
    [
        "<p class='a b'>{% translate 'Nothing here' %}: {{ x }} · 44&#8239;%</p>",
        "{% blocktranslate %}All {{ n }}{% endblocktranslate %}",
        "{# For readers of the source #}<code>curl</code> IoTask",
        '<a title="{% translate \'More\' %}" href="/tasks" data-key="n">',
    ],
)
def test_what_is_translated_passes_in_a_template(source: str):
    assert of_template(source) == []


# ----- code of pages: a sentence in it is an argument of a translation function, or nobody sees it

ROOMS = ("web", "presenters", "live")
FOR_PROGRAMS = frozenset({"live/live_consumer.py", "live/messages.py"})  # what a socket says of a message
SENTENCE = re.compile(r"[A-Za-z]{2,}[,:;…]? [a-z]{2,}|[A-Z][a-z]+ [A-Za-z]|^[A-Z][a-z]{3,}[.!?…]?$")
UNSEEN = frozenset({"TypeError", "ValueError", "AssertionError", "NotImplementedError", "NotFound", "create_task", "about"})
LOGS = frozenset({"debug", "info", "warning", "error", "exception"})
MARKUP = re.compile(r"<[a-z][^>]*(?:>|$)|\w+/\w+; charset=utf-8|^attachment; filename=.*")
NAMES = frozenset(  # of headers, browsers, systems and services: the same in every language
    {
        *("HX-Redirect", "HX-Request", "HX-Retarget", "HX-Reswap", "Referer", "Refresh", "Retry-After", "Strict"),
        *('Bearer realm="IoTask"', "innerHTML show:none"),
        *("Android", "Chrome", "Edge", "Firefox", "Linux", "Mac OS X", "Opera", "Safari", "Windows"),
        *("Flussonic jobs", "Go Task Queue", "IO Bound Task API", "Long Tasks Service"),
    }
)
CODES = frozenset(_SAID) | frozenset({"pause type", "resume type", "set slots"})  # of the audit
RECORDS = frozenset(  # read or written as they are: tracebacks, and a log as a file
    {
        "The above exception was the direct cause of the following exception:",
        "During handling of the above exception, another exception occurred:",
        "Traceback (most recent call last)",
        "(the first ",
        " lines are no longer kept)",
    }
)


def of_code(source: str) -> Iterator[str]:
    """Sentences in Python that no translation function gets, and that are neither documentation nor for the log."""
    tree = ast.parse(source)
    unseen = {id(node) for node in _unseen(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unseen:
            text = MARKUP.sub("", node.value)
            if SENTENCE.search(text) and node.value not in NAMES | CODES | RECORDS:
                yield f"line {node.lineno}: {node.value}"


def _unseen(tree: ast.AST) -> Iterator[ast.AST]:
    translates = functions(tree).keys()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        elif isinstance(node, ast.Call) and _name(node.func) in translates | UNSEEN | LOGS:
            yield from ast.walk(node)
        elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            yield from ast.walk(node.annotation)


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""


HERE = ROOT / "tasks_app"
CODE = [path for room in ROOMS for path in sorted((HERE / room).rglob("*.py")) if path.relative_to(HERE).as_posix() not in FOR_PROGRAMS]


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(HERE).as_posix())
def test_code_of_pages_says_nothing_past_the_translation_functions(path: Path):
    assert list(of_code(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    ["x = 'Nothing to do'", "def f():\n    return f'{n} of them failed'", "show('Deleted.')", "{'a': 'in some while'}", "x = 'Failed'"],
)
def test_a_sentence_in_code_is_found(source: str):
    assert list(of_code(source))


@pytest.mark.parametrize(
    "source",
    [
        "from django.utils.translation import gettext as _\nx = _('Nothing to do')",
        "'''A docstring of words.'''",
        "logger.info('It has begun')",
        "x = 'failed'",
        "x = ngettext('One task', 'Many tasks', 2)",
    ],
)
def test_what_is_translated_passes_in_code(source: str):
    assert list(of_code(source)) == []


# ----- what the engine, the login and the gate refuse is said on pages too: in a Sentence, which can be translated

REFUSALS = frozenset(
    {
        *("Conflict", "Denied", "Draining", "IdempotencyConflict", "IllegalTransition", "Invalid", "InvalidValue", "NotFound"),
        *("JournalBehind", "JournalFailed", "NoRoom", "NotLaunchable", "Refused", "ShareFull", "TaskFailure", "Unavailable"),
        *("UnknownType", "WaitingFull"),
    }
)
REFUSE = [path for path in sorted(HERE.rglob("*.py")) if path.relative_to(HERE).parts[0] not in ("tests", "api", "demo", "live")]


def plain_refusals(source: str) -> Iterator[str]:
    """Refusals whose words are mere text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _name(node.func) in REFUSALS:
            for given in node.args:
                said = given.value if isinstance(given, ast.Constant) else "f" if isinstance(given, ast.JoinedStr) else ""
                if said == "f" or (isinstance(said, str) and " " in said):
                    yield f"line {node.lineno}: {_name(node.func)}"


@pytest.mark.parametrize("path", REFUSE, ids=lambda path: path.relative_to(HERE).as_posix())
def test_a_refusal_is_said_so_that_a_page_can_translate_it(path: Path):
    assert list(plain_refusals(path.read_text("utf-8"))) == []


def test_a_refusal_in_mere_text_is_found():
    assert list(plain_refusals("raise NotFound('There is none.')"))
    assert list(plain_refusals("raise Denied(403, 'no', f'{who} may not')"))
    assert list(plain_refusals("raise NotFound(say('There is none.'))\nraise NotFound\nraise Denied(403, 'code', SAID)")) == []


# ----- scripts: words come from the page, in data- attributes

STRINGS = re.compile(r"""//[^\n]*|/\*.*?\*/|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`""", re.DOTALL)
SAID = re.compile(r"(?:^|[^\w.#\[\]=:>~*-])[A-Za-z]{2,}[,.!?…]? [a-z]{2,}|^[A-Z][a-z]+(?: [a-z]+)*[.!?…]?$")
SELECTOR = re.compile(r"^[\w\s=\"':~*,()^$|-]*(?:[.#][\w-]|[\[\]>:])[\w\s.#\[\]=\"':>~*,()^$|{}-]*$")
TAGS = frozenset({"a", "button", "input", "select", "summary", "textarea"})
KEYS = frozenset(
    {"Notification", "Backspace", "Delete", "End", "Enter", "Escape", "Home", "Shift", "Slash", "Space", "Tab"}
)  # as browsers name them


def of_script(source: str) -> Iterator[str]:
    """Strings of a script that look as if a person were to read them."""
    for found in STRINGS.finditer(re.sub(r"new Error\([^)]*\)", "", source)):
        text = next((part for part in found.groups() if part is not None), "")
        text = re.sub(r"\$\{[^}]*\}", "", text)
        if SAID.search(text) and not SELECTOR.match(text) and text not in KEYS and not TAGS.issuperset(re.split(r",? ", text)):
            yield text


SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(ROOT / "static").as_posix())
def test_a_script_says_nothing_of_its_own(path: Path):
    assert list(of_script(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("source", ['say("Nothing here")', "x = `${n} tasks deleted.`", "t = 'Loading…'", 'a = "Deleted"'])
def test_words_in_a_script_are_found(source: str):
    assert list(of_script(source))


@pytest.mark.parametrize(
    "source",
    [
        'q(".list tr[data-task]")',
        "// It says a lot.",
        "x.dataset.words",
        'on("htmx:after:swap")',
        'key === "Enter"',
        'q("input, textarea, select")',
    ],
)
def test_what_is_no_words_passes_in_a_script(source: str):
    assert list(of_script(source)) == []
