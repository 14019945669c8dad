"""`manage.py messages`: brings the catalogue up to what code and templates say, and compiles it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.core.management.base import BaseCommand

from tasks_app.conf import folder
from tasks_app.management.messages import messages

LANGUAGE = "ru"
HEAD = "# The texts of IoTask in Russian. `make messages` adds what is new; translate that here, and run `make messages` again.\n#"


class Command(BaseCommand):
    """New texts come in empty, old ones leave, translated ones stay as they are."""

    help = "Brings the catalogue of translations up to date and compiles it."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write django.po and django.mo, and say how many texts are not translated."""
        path = po_of(folder())
        catalogue = merged(read(path), folder())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(po(catalogue))
        path.with_suffix(".mo").write_bytes(mo(catalogue))
        left = sum(1 for message in catalogue if message.id and not all(forms(message)))
        self.stdout.write(f"{len(catalogue)} texts, {left} of them not translated: {path}")


class _Catalogue(Catalog):
    """Its head says what a program needs: no names, no times, nothing that is another one tomorrow."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """The lines of the head."""
        head = [("Project-Id-Version", "IoTask"), ("Language", LANGUAGE), ("Plural-Forms", f"{self.plural_forms}")]
        return [*head, ("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=utf-8"), ("Content-Transfer-Encoding", "8bit")]


def po_of(root: Path) -> Path:
    """Where the catalogue is."""
    return root / "tasks_app" / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"


def read(path: Path) -> Catalog:
    """The catalogue in a file; an empty one where there is none."""
    return read_po(BytesIO(path.read_bytes()) if path.exists() else BytesIO(), locale=LANGUAGE)


def merged(old: Catalog, root: Path) -> Catalog:
    """A catalogue of the texts that are in use, with what is known of them. Nothing is guessed from texts that are alike."""
    new = _Catalogue(locale=LANGUAGE, header_comment=HEAD, fuzzy=False)
    for found in messages(root):
        text = (found.text, found.plural) if found.plural else found.text
        known = old.get(found.text, found.context or None)
        kept = known.string if known is not None and known.pluralizable == bool(found.plural) else None
        flags = ("python-brace-format",) if found.is_format else ()
        new.add(text, kept, locations=[(found.place.rpartition(":")[0], 0)], flags=flags, context=found.context or None)
    return new


def forms(message: Message) -> tuple[str, ...]:
    """The translations of a text: one, or as many as its plural has."""
    given = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return tuple(str(text or "") for text in given)


def po(catalogue: Catalog) -> bytes:
    """The catalogue for people, in the order of its texts' files."""
    file = BytesIO()
    write_po(file, catalogue, width=140, include_lineno=False, sort_by_file=False)
    return file.getvalue()


def mo(catalogue: Catalog) -> bytes:
    """The same for Django."""
    file = BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()
