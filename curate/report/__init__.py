"""The report of a store: what is in it, what is not in order, what cleaning cost, and how its images look."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curate import manifest
from curate.errors import StoreError
from curate.executor import Where
from curate.files import held, write_bytes
from curate.report import contact, content, facts, files, html, markdown, order, sections
from curate.report.contact import Sheet
from curate.report.facts import Facts
from curate.report.order import FAULTS, Finding
from curate.report.sections import Section
from curate.tables import tool_version

IMAGES = 6
"""Pictures of each dataset, unless the caller says otherwise."""
TABLES = "tables"
_MARK = "report.json"


@dataclass(frozen=True, slots=True)
class Report:
    """What was written."""

    page: Path
    tables: int
    pictures: int
    not_shown: int
    """Images that were chosen for the contact sheet and cannot be read."""
    findings: tuple[Finding, ...]
    """What is not in order, what needs action first."""

    @property
    def has_faults(self) -> bool:
        """True when files are missing or unreadable, or a build found what its recipe does not expect."""
        return bool(self.not_shown) or any(one.kind in FAULTS for one in self.findings)


def write(
    store: Path, out: Path, images: int = IMAGES, where: Where | None = None, recipes: Sequence[str] = ()
) -> Report:
    """Write the report of a store: a page that opens from disk, Markdown, and every table as CSV and JSON.

    Args:
        store: Root of the store; it is only read.
        out: Folder of the report. An earlier report in it is replaced.
        images: Pictures of each dataset; with 0 no voxel is read.
        where: Where the pictures are drawn; by default in threads of this process.
        recipes: Names or paths of recipes that datasets were built with and that do not ship.

    Raises:
        UsageError: When there is no finished store, `out` holds something else, or no dataset was built with one of
            `recipes`.
    """
    found = content.read(store)
    _check(store, out)
    known = order.known_recipes(found, recipes)
    findings = order.findings(found, known)
    parts = sections.sections(found, findings, known)
    head = facts.of(found, findings)
    with held(out, "curate report"):
        _make_room(out)
        sheets = contact.sheets(store, out, images, where or Where()) if images else ()
        _write_tables(out, parts)
        _write(out / "index.html", html.render(head, parts, sheets, tool_version()))
        _write(out / "report.md", markdown.render(head, parts, sheets))
        _write(out / _MARK, _summary(head, findings, parts, sheets))
    tiles = [tile for sheet in sheets for tile in sheet.tiles]
    return Report(
        out / "index.html",
        tables=sum(len((*part.tables, *part.folded)) for part in parts),
        pictures=sum(tile.file is not None for tile in tiles),
        not_shown=sum(tile.file is None for tile in tiles),
        findings=findings,
    )


def _check(store: Path, out: Path) -> None:
    """Refuse folders that are not ours to fill.

    Raises:
        StoreError: When it lies within the store, is another store, or holds something that is no report.
    """
    if out.resolve().is_relative_to(store.resolve()) or (out / manifest.STORE_PATH).exists():
        raise StoreError(f"{out}: within a store; give another folder with --out")
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out}: not a folder; give another one with --out")
    if out.exists() and any(out.iterdir()) and not (out / _MARK).is_file():
        raise StoreError(f"{out}: not empty and no report; give a new folder with --out")


def _make_room(out: Path) -> None:
    """Empty the folder of an earlier report, which stays marked as one, so that a killed report is replaced too."""
    write_bytes(out / _MARK, b"{}\n")
    for folder in (contact.FOLDER, TABLES):
        shutil.rmtree(out / folder, ignore_errors=True)


def _write_tables(out: Path, parts: Sequence[Section]) -> None:
    for part in parts:
        for table in (*part.tables, *part.folded):
            _write(out / TABLES / f"{table.key}.csv", files.to_csv(table))
            _write(out / TABLES / f"{table.key}.json", files.to_json(table))


def _summary(head: Facts, findings: Sequence[Finding], parts: Sequence[Section], sheets: Sequence[Sheet]) -> str:
    """Return the report for programs: head, findings, names of the tables, tiles."""
    content: dict[str, Any] = {
        "version": tool_version(),
        "title": head.title,
        "answer": head.answer,
        "store": dict(head.provenance),
        "not_in_order": [asdict(one) for one in findings],
        "tables": [table.key for part in parts for table in (*part.tables, *part.folded)],
        "tiles": [asdict(tile) for sheet in sheets for tile in sheet.tiles],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _write(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8", "backslashreplace"))
