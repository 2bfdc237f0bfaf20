"""The leaderboard as HTML pages: nothing is loaded from anywhere, and every table is there without JavaScript.

One page per board, `index.html` for the first; where masks can be shown, a page per case beside them.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.board import Board
from bench.finished import FinishedRun
from bench.page import FOLDER, words
from bench.page.cases import CaseLinks, Sources, write_cases
from bench.page.charts import chart
from bench.page.cube import cube
from bench.page.sections import sections
from bench.page.tidy import aggregator
from curate.files import write_bytes
from curate.webpage import assets

_TEMPLATE = "board.html.j2"
_STYLE = (assets.LOOK, FOLDER / "style.css")
_SCRIPTS = (assets.SORT, assets.PRINT, FOLDER / "explorer.js")
_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Link:
    """One board in the selector that all pages have."""

    suite: str
    protocol: str
    store: str
    """Profile of the store; it tells boards apart that share suite and protocol."""
    file: str
    is_here: bool


def write(
    boards: Sequence[Board], groups: Sequence[Sequence[FinishedRun]], out: Path, sources: Sources | None = None
) -> list[Path]:
    """Write a page per board, and the pages of cases where there is something to draw them from.

    Args:
        boards: At least one.
        groups: The runs of each board.
        out: Folder of the pages.
        sources: Where runs and store lie; None for no pages of cases.

    Returns:
        The pages of the boards, `index.html` first.
    """
    files = _files(boards)
    for number, (board, group) in enumerate(zip(boards, groups, strict=True)):
        cases = write_cases(group, sources, out, files[number]) if sources else ()
        write_bytes(out / files[number], render(board, group, _links(boards, files, number), cases).encode())
    return [out / file for file in files]


def render(
    board: Board, group: Sequence[FinishedRun] = (), links: Sequence[Link] = (), cases: Sequence[CaseLinks] = ()
) -> str:
    """Lay one page out; every name is escaped, so markup in it stays text.

    Args:
        board: What the page is about.
        group: Its runs, for the explorer; without them there is none.
        links: All boards; a selector is shown when there is more than one.
        cases: Each model's cases.
    """
    style, script = assets.text_of(*_STYLE), "\n" + assets.text_of(*_SCRIPTS)
    laid_out = sections(board)
    return (
        assets.environment(FOLDER)
        .get_template(_TEMPLATE)
        .render(
            policy=assets.policy(style, [script]),
            style=style,
            script=script,
            title=words.title(board),
            question=words.question(board),
            answer=words.answer(board),
            caveats=words.caveats(board),
            sections=laid_out,
            charts={section.chart: chart(board, section.chart) for section in laid_out if section.chart},
            cube=assets.to_json(cube(group)) if group else "",
            links=links,
            cases=cases,
            aggregator=aggregator(),
        )
    )


def _links(boards: Sequence[Board], files: Sequence[str], here: int) -> list[Link]:
    return [
        Link(
            words.versioned(board.facts.get("suite")),
            words.versioned(board.facts.get("protocol")),
            words.word((board.facts.get("store") or {}).get("profile")),
            file,
            number == here,
        )
        for number, (board, file) in enumerate(zip(boards, files, strict=True))
    ]


def _files(boards: Sequence[Board]) -> list[str]:
    """Name the pages: readable, and unique even where names differ only in what a file name cannot hold."""
    return ["index.html", *(_file(board) for board in boards[1:])]


def _file(board: Board) -> str:
    facts = [board.facts.get(what) or {} for what in ("suite", "protocol", "store")]
    digest = hashlib.sha256(repr([sorted(map(str, one.items())) for one in facts]).encode()).hexdigest()[:8]
    plain = re.sub(r"[^a-z0-9]+", "-", f"{facts[0].get('name')} {facts[1].get('name')}".lower()).strip("-")
    return f"{plain[:_LETTERS]}-{digest}.html"
